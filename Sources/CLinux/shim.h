// Linux calls that Swift's Glibc overlay does not carry.
#pragma once
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>

/// Names the calling thread; the kernel keeps 15 bytes.
static inline int billwright_name_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

// GNU calls that Swift's module of glibc hides. Declared here, since _GNU_SOURCE would give this module another fd_set
// than that one, and no file could see both.
int pipe2(int ends[2], int flags);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);
