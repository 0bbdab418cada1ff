#ifndef SIMULATED_DISK_H
#define SIMULATED_DISK_H
/* A disk in memory for SQLite, which can lose power, lose processes and fail on request.
 *
 *     process 1 ──┐                        ┌── durable: what a power cut leaves
 *     (a VFS)     ├── files ── contents ──┤
 *     process 2 ──┘                        └── pending: written, not yet synced
 *
 * Nothing depends on time, addresses or threads: the same calls with the same seeds give the same
 * disk. One lock covers a disk, so connections may be used from any thread. The lock is recursive
 * and held while `sdisk_ask` is called, so that the answer may be found by using the disk.
 *
 * Codes are SQLite's. Paths are taken as they are; folders exist by being named.
 */
#include <stdbool.h>
#include <stdint.h>

typedef struct sdisk sdisk;
typedef struct sdisk_process sdisk_process;

typedef enum sdisk_op {
    SDISK_OPEN, SDISK_READ, SDISK_WRITE, SDISK_TRUNCATE, SDISK_SYNC, SDISK_LOCK, SDISK_SHMMAP,
    SDISK_SHMLOCK, SDISK_DELETE, SDISK_FILESIZE, SDISK_ACCESS, SDISK_RENAME, SDISK_SYNCFOLDER,
    SDISK_LIST, SDISK_SLEEP, SDISK_OPS
} sdisk_op;

typedef enum sdisk_kind {
    SDISK_DATABASE, SDISK_WAL, SDISK_JOURNAL, SDISK_OTHER, SDISK_KINDS
} sdisk_kind;

typedef enum sdisk_verdict {
    SDISK_PROCEED,
    /* Fails as the operation fails on a bad disk; the first `part` bytes of a write are written. */
    SDISK_ERROR,
    /* SQLITE_FULL for writes and truncates, after `part` bytes; others proceed. */
    SDISK_FULL,
    /* SQLITE_BUSY for locks; others proceed. */
    SDISK_BUSY,
    /* A sync that returns SQLITE_OK and does nothing; others proceed. */
    SDISK_LIE,
    /* The process dies in this operation, which may be done, in part, or not at all. */
    SDISK_DIE,
    /* The power is cut in this operation, with `seed`. */
    SDISK_CUT
} sdisk_verdict;

typedef struct sdisk_question {
    int process;
    sdisk_op op;
    sdisk_kind kind;
    /* Valid during the call only; empty for a temporary file. */
    const char *path;
    int64_t offset, length;
    /* The how many-th operation of its process this is, and of its op there; from 1. */
    int64_t number, number_of_op;
} sdisk_question;

typedef struct sdisk_answer {
    sdisk_verdict verdict;
    int64_t part;
    uint64_t seed;
} sdisk_answer;

typedef sdisk_answer (*sdisk_ask)(void *context, const sdisk_question *question);

typedef struct sdisk_counts {
    int64_t all, by_op[SDISK_OPS], syncs[SDISK_KINDS], bytes_written;
} sdisk_counts;

/* The disk. It outlives `sdisk_free` until the last connection to it is closed; its processes die
 * at once. `seed` decides what operations leave in which a process dies, and xRandomness. */
sdisk *sdisk_new(uint64_t seed);
void sdisk_free(sdisk *disk);

/* Asked before each operation; null stops the asking. */
void sdisk_set_ask(sdisk *disk, sdisk_ask ask, void *context);
/* Bytes that all files may have together; SQLITE_FULL beyond. Negative: no bound. */
void sdisk_set_capacity(sdisk *disk, int64_t bytes);
int64_t sdisk_used(sdisk *disk);
/* How many writes found too little room. */
int64_t sdisk_refused(sdisk *disk);
/* Bit `1 << kind`: syncs of such files return SQLITE_OK and do nothing. */
void sdisk_set_lying(sdisk *disk, unsigned kinds);
/* What `datetime('now')` says: milliseconds since 1970. */
void sdisk_set_time(sdisk *disk, int64_t milliseconds);

/* All processes die; of what was not synced the seed decides what is left. */
void sdisk_cut_power(sdisk *disk, uint64_t seed);
/* The same within the n-th operation from now, of whatever process; 0 calls it off. */
void sdisk_cut_power_at(sdisk *disk, int64_t n, uint64_t seed);
int64_t sdisk_power_cuts(sdisk *disk);
/* How many changes of files and names were lost in power cuts, and how many writes were torn. */
int64_t sdisk_lost(sdisk *disk);
int64_t sdisk_torn(sdisk *disk);
/* Operations of all processes since the disk was made. */
int64_t sdisk_operations(sdisk *disk);

/* Of paths and contents as processes see them. Salts and checksums of a WAL are left out, and all
 * of a rollback journal but its size: SQLite salts them from a generator that all threads of the
 * program share. */
uint64_t sdisk_digest(sdisk *disk);
/* 0 for a file that is not there. */
uint64_t sdisk_file_digest(sdisk *disk, const char *path);
/* Makes that shared generator repeatable, for programs that use SQLite in one thread. */
void sdisk_seed_sqlite(int seed);

/* A process: a VFS of its own name, registered until `sdisk_free`, which frees the process. */
sdisk_process *sdisk_process_start(sdisk *disk);
const char *sdisk_process_vfs(sdisk_process *process);
int sdisk_process_number(sdisk_process *process);
bool sdisk_process_is_dead(sdisk_process *process);
/* As kill -9 does: its locks go, what it wrote stays, all its calls fail with SQLITE_IOERR. */
void sdisk_process_kill(sdisk_process *process);
/* The same within its n-th operation from now; 0 calls it off. */
void sdisk_process_kill_at(sdisk_process *process, int64_t n);
/* Whether the disk's process of that number was not killed. */
bool sdisk_is_alive(sdisk *disk, int number);
/* Whether it holds a lock of its own on a folder, a database file or a WAL index, so that others
 * would have to wait for it. */
bool sdisk_is_holding(sdisk *disk, int number);
sdisk_counts sdisk_process_counts(sdisk_process *process);

/* Files that are not databases, as a process sees them. All are operations: they count, fail and
 * are died in like SQLite's. SQLITE_CANTOPEN: there is no such file. */
int sdisk_exists(sdisk_process *process, const char *path, bool *exists);
int sdisk_size(sdisk_process *process, const char *path, int64_t *size);
/* Reads up to `length` bytes from `offset` on; `*count` says how many there were. */
int sdisk_read(
    sdisk_process *process, const char *path, void *bytes, int64_t length, int64_t offset,
    int64_t *count);
/* Makes the file if need be, and writes at the offset. */
int sdisk_write(
    sdisk_process *process, const char *path, const void *bytes, int64_t length, int64_t offset);
int sdisk_truncate(sdisk_process *process, const char *path, int64_t size);
int sdisk_sync(sdisk_process *process, const char *path);
int sdisk_remove(sdisk_process *process, const char *path);
/* Replaces a file of the new name. */
int sdisk_rename(sdisk_process *process, const char *from, const char *to);
/* Makes creations, removals and renames in the folder durable. */
int sdisk_sync_folder(sdisk_process *process, const char *folder);
/* As flock does on a folder: SQLITE_BUSY while another lock on it stands that is not shared, or any
 * when this one is not. Locks have numbers, and go with their process. */
int sdisk_lock_folder(
    sdisk_process *process, const char *folder, bool is_shared, int64_t *number);
void sdisk_unlock_folder(sdisk_process *process, int64_t number);
/* Takes no time, but may let others run, as SQLite's waiting for a lock does. */
int sdisk_sleep(sdisk_process *process, int64_t microseconds);
typedef void (*sdisk_visit)(void *context, const char *path);
/* The files directly in the folder, in the order of their bytes. */
int sdisk_list(sdisk_process *process, const char *folder, sdisk_visit visit, void *context);
#endif
