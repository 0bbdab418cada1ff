#ifndef SIMULATED_DISK_INTERNAL_H
#define SIMULATED_DISK_INTERNAL_H
#include "simulated_disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>

enum { SECTOR = 512 };

/* Bytes between size and capacity are zero, so that growing needs no filling. */
typedef struct sd_buffer {
    uint8_t *bytes;
    int64_t size, capacity;
} sd_buffer;

/* A write, or a truncation to `offset` (length < 0), that no sync has made durable. */
typedef struct sd_pending {
    int64_t offset, length;
    int64_t at; /* where its bytes are in the node's `written` */
} sd_pending;

typedef struct sd_shm {
    int descriptor;
    int regions;
    int region_size;
    int users;
} sd_shm;

typedef struct sdisk_file sdisk_file;

/* A file without its name: what an inode is. */
typedef struct sd_node {
    sdisk *disk;
    int references;
    int names; /* as processes see them; without names and files it takes no room */
    bool is_counted;
    bool is_temporary; /* has no name and nothing durable */
    bool is_reached; /* by a name, after a power cut */
    sd_buffer now, kept, written;
    sd_pending *pending;
    int64_t pendings, pendings_room;
    sdisk_file *files;
    sd_shm *shm;
} sd_node;

typedef struct sd_name {
    char *path;
    size_t folder_length; /* of the path up to its last slash */
    sd_node *now, *kept;
    bool is_marked;
} sd_name;

/* A change of names that no sync of a folder has made durable. */
typedef struct sd_change {
    sd_name *from; /* null for a creation */
    sd_name *to;   /* null for a removal */
    sd_node *node;
    bool is_marked;
} sd_change;

typedef struct sd_folder_lock {
    struct sd_folder_lock *next;
    const sdisk_process *process;
    int64_t number;
    bool is_shared;
    char folder[];
} sd_folder_lock;

struct sdisk {
    pthread_mutex_t lock;
    int number;
    int references; /* the owner and each open file */
    sdisk_process *processes;
    int process_count;
    sd_name **names; /* in the order of their bytes */
    int names_count, names_room;
    sd_change *changes;
    int changes_count, changes_room;
    sd_folder_lock *folder_locks;
    int64_t folder_locks_made;
    uint64_t seed;
    int64_t capacity, used, time, operations, cuts;
    int64_t refused, lost, torn; /* for want of room, and in power cuts */
    int64_t cut_in;
    uint64_t cut_seed;
    unsigned lying;
    sdisk_ask ask;
    void *ask_context;
};

struct sdisk_process {
    sqlite3_vfs vfs;
    sdisk *disk;
    sdisk_process *next;
    int number;
    bool is_dead;
    int64_t dies_in;
    uint64_t fate, random; /* states of generators */
    sdisk_counts counts;
    sdisk_file *files;
    char vfs_name[40];
};

struct sdisk_file {
    sqlite3_file base;
    sdisk_process *process;
    sd_node *node;
    const char *path; /* SQLite keeps it until the file is closed */
    sdisk_file *next_of_process, *next_of_node;
    sdisk_kind kind;
    int lock;
    bool syncs_folder, deletes_on_close;
    bool uses_shm;
    unsigned shm_shared, shm_exclusive;
    uint8_t **regions;
    int regions_count, region_size;
};

/* What is to happen in an operation, decided before it. */
typedef struct sd_effect {
    int code;
    int64_t bytes;  /* how much of a write is done */
    bool is_done;   /* whether anything else is done */
    bool is_lie;
    sdisk_verdict end; /* SDISK_PROCEED, SDISK_DIE or SDISK_CUT */
    uint64_t seed;
} sd_effect;

/* disk.c */
void sd_enter(sdisk *disk);
void sd_leave(sdisk *disk);
void sd_retain(sdisk *disk);
/* Under the lock, which it gives back. */
void sd_leave_and_release(sdisk *disk);
sd_effect sd_begin(
    sdisk_process *process, sdisk_op op, sdisk_kind kind, const char *path, int64_t offset,
    int64_t length);
int sd_finish(sdisk_process *process, const sd_effect *effect, int code);
void sd_kill_process(sdisk_process *process);
/* The next number of SplitMix64. */
uint64_t sd_draw(uint64_t *state);
bool sd_coin(uint64_t *state);
/* The same seed gives unlike states for unlike purposes. */
uint64_t sd_stream(uint64_t seed, uint64_t purpose);
void *sd_grown(void *items, size_t size);

/* node.c */
sd_node *sd_node_new(sdisk *disk, bool is_temporary);
sd_node *sd_node_retain(sd_node *node);
void sd_node_release(sd_node *node);
/* After a change of its names or open files. */
void sd_node_count(sd_node *node);
/* Nobody can reach it any more: it takes no room. */
void sd_node_orphan(sd_node *node);
int64_t sd_node_read(const sd_node *node, void *bytes, int64_t length, int64_t offset);
/* How many of the bytes the disk has room for. */
int64_t sd_node_room(const sd_node *node, int64_t length, int64_t offset);
void sd_node_write(sd_node *node, const void *bytes, int64_t length, int64_t offset);
void sd_node_truncate(sd_node *node, int64_t size);
void sd_node_sync(sd_node *node);
void sd_node_settle(sd_node *node, uint64_t *generator);
uint64_t sd_node_digest(const sd_node *node, sdisk_kind kind, uint64_t digest);

/* names.c */
/* Null for a file that is not there. */
sd_node *sd_names_find(sdisk *disk, const char *path);
sd_node *sd_names_create(sdisk *disk, const char *path);
bool sd_names_remove(sdisk *disk, const char *path);
bool sd_names_rename(sdisk *disk, const char *from, const char *to);
void sd_names_sync_creation(sdisk *disk, const sd_node *node);
/* Of the folder that the first bytes of the path name. */
void sd_names_sync_folder(sdisk *disk, const char *path, size_t length);
/* The length of the path of the folder that the path is in. */
size_t sd_folder_length(const char *path);
void sd_names_settle(sdisk *disk, uint64_t *generator);
void sd_names_free(sdisk *disk);
bool sd_names_is_in(const sd_name *name, const char *folder, size_t length);

/* shm.c */
int sd_file_lock(sqlite3_file *base, int level);
int sd_file_unlock(sqlite3_file *base, int level);
int sd_file_is_reserved(sqlite3_file *base, int *result);
int sd_file_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **at);
int sd_file_shm_lock(sqlite3_file *base, int first, int count, int flags);
void sd_file_shm_barrier(sqlite3_file *base);
int sd_file_shm_unmap(sqlite3_file *base, int is_deleting);
/* What the kernel does with the locks of a killed process. */
void sd_file_abandon(sdisk_file *file);
void sd_file_close_shm(sdisk_file *file);

/* files.c; both are operations. */
int sd_write_node(
    sdisk_process *process, sd_node *node, sdisk_kind kind, const char *path, const void *bytes,
    int64_t length, int64_t offset);
int sd_truncate_node(
    sdisk_process *process, sd_node *node, sdisk_kind kind, const char *path, int64_t size);

/* Of the number, or all for 0. */
void sd_unlock_folders(sdisk *disk, const sdisk_process *process, int64_t number);

/* vfs.c */
void sd_vfs_set_up(sdisk_process *process);
#endif
