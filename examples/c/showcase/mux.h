// A mux beside the server, whose streams give back what comes.
#ifndef MUX_H
#define MUX_H

#include <flare.h>
#include <stdint.h>

// Listens on an address, and starts the threads that answer.
int32_t mux_start(const char *address);

// Ends all connections, and returns when no thread is left. Does nothing when nothing was started.
void mux_stop(void);

#endif
