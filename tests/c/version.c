// The version of the ABI, as the header and the library say it.
#include "check.h"
#include "flare.h"

int main(void) {
    TEST("header and library have the same ABI version");
    CHECK(flare_abi_version() == FLARE_ABI_VERSION);
    CHECK(flare_abi_version() > 0);
    return DONE();
}
