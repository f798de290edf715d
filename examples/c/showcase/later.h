// One thread that answers exchanges when their time has come.
#ifndef LATER_H
#define LATER_H

#include <flare.h>
#include <stdint.h>

// Starts the thread. Returns 0, or an error number of the system.
int later_start(void);

// Answers in so many milliseconds. Before the first call later_start() has succeeded.
int32_t later_answer(flare_response *response, uint32_t ms);

// Lets go of the exchanges whose time has not come, and ends the thread.
void later_stop(void);

#endif
