/*
 * flare: a networking stack behind a C ABI.
 *
 * Three words say who owns what. `new`/`free`: the caller owns the handle. `retain`/`release`: it is shared and counted.
 * Borrowed: valid as long as the comment says, and never freed by the caller.
 *
 * Functions that return int32_t return FLARE_OK (0) or a negative FLARE_ERROR_ code; flare_last_error() has the words.
 */

#ifndef FLARE_H
#define FLARE_H

/* Generated from capi/src by `make header`: do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The call did what it was asked.
 */
#define FLARE_OK 0

/**
 * The handle is NULL, already freed, or was never a handle. Nothing was read or changed.
 */
#define FLARE_ERROR_INVALID_HANDLE -1

/**
 * The handle is alive but of another kind, as a response where a request belongs.
 */
#define FLARE_ERROR_WRONG_KIND -2

/**
 * An argument is NULL, not UTF-8, out of range or malformed. The message names the argument.
 */
#define FLARE_ERROR_INVALID_ARGUMENT -3

/**
 * The object cannot do this now, as a setting changed after the server has started.
 */
#define FLARE_ERROR_INVALID_STATE -4

/**
 * The exchange has its answer already.
 */
#define FLARE_ERROR_FINISHED -5

/**
 * The peer, or the server, is gone.
 */
#define FLARE_ERROR_CLOSED -6

/**
 * Taking this now would pass a limit that drains by itself. Nothing was taken; try again later.
 */
#define FLARE_ERROR_WOULD_BLOCK -7

/**
 * What was asked for does not exist.
 */
#define FLARE_ERROR_NOT_FOUND -8

/**
 * It contradicts what is there already, as a second handler for one route.
 */
#define FLARE_ERROR_CONFLICT -9

/**
 * The address to listen on is taken.
 */
#define FLARE_ERROR_ADDRESS_IN_USE -10

/**
 * The operating system forbids it to this process.
 */
#define FLARE_ERROR_PERMISSION -11

/**
 * The operating system reported any other error.
 */
#define FLARE_ERROR_IO -12

/**
 * A fixed limit is reached, as the number of handles or of references to one.
 */
#define FLARE_ERROR_LIMIT -13

/**
 * A deadline passed.
 */
#define FLARE_ERROR_TIMEOUT -14

/**
 * This build, or this system, cannot do it.
 */
#define FLARE_ERROR_UNSUPPORTED -15

/**
 * A bug in flare: a panic was stopped at the border. The object may be unusable; the process is sound.
 */
#define FLARE_ERROR_PANIC -16

/**
 * Memory could not be allocated.
 */
#define FLARE_ERROR_OUT_OF_MEMORY -17

/**
 * It was cancelled before it was done.
 */
#define FLARE_ERROR_CANCELLED -18

/**
 * The peer broke the rules of the protocol.
 */
#define FLARE_ERROR_PROTOCOL -19

/**
 * The version of the ABI that a program was compiled for. It is raised when a change breaks programs that are not compiled
 * again. Compare it with `flare_abi_version`.
 */
#define FLARE_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Copies the message of the last call that failed on this thread into `buffer`.
 *
 * Returns the length of the whole message in bytes, without its NUL, or 0 if no call has failed on this thread. The copy
 * is UTF-8, cut between characters to fit, and ends with NUL whenever `capacity` > 0. If the result is `capacity` or more,
 * the text was cut: a buffer of the result plus 1 takes it all. `buffer` may be NULL to ask for the length alone.
 *
 * Every call that fails replaces the message; calls that succeed leave it as it is. So read it right after a failure.
 *
 * Ownership: `buffer` stays the caller's. Threads: any; each has a message of its own. Errors: none.
 *
 * The caller promises:
 * `buffer` is NULL, or points to `capacity` writable bytes.
 */
size_t flare_last_error(char *buffer, size_t capacity);

/**
 * The name of a status code, as `"FLARE_ERROR_TIMEOUT"`.
 *
 * Returns static text, borrowed for as long as the library is loaded; never NULL. A number that is no status code gives
 * `"FLARE_ERROR_UNKNOWN"`.
 *
 * Threads: any. Errors: none.
 */
const char *flare_status_name(int32_t status);

/**
 * The version of the ABI that the loaded library speaks. A program works with it if this equals the `FLARE_ABI_VERSION` it was
 * compiled with.
 *
 * Threads: any. Errors: none.
 */
uint32_t flare_abi_version(void);

/**
 * The version of the library, as `"0.1.0"`, for people and logs.
 *
 * Returns static text, borrowed for as long as the library is loaded; never NULL.
 *
 * Threads: any. Errors: none.
 */
const char *flare_version(void);

/**
 * Whether this build has a feature, as `"http1"`.
 *
 * Returns 1 if it has, 0 if it has not, does not know the name, or `name` is NULL.
 *
 * Ownership: `name` stays the caller's. Threads: any. Errors: none.
 *
 * The caller promises:
 * `name` is NULL, or a NUL-terminated string.
 */
int32_t flare_has_feature(const char *name);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FLARE_H */
