// Header and library belong together. Also compiled as C++.
#include <flare.h>
#include <stdio.h>

int main(void) {
    printf("header %d, library %u\n", FLARE_ABI_VERSION, (unsigned)flare_abi_version());
    return flare_abi_version() == FLARE_ABI_VERSION ? 0 : 1;
}
