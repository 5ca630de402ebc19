// Linux calls that Swift's Glibc overlay does not carry.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

/// Names the calling thread; the kernel keeps 15 bytes.
static inline int billwright_name_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }
