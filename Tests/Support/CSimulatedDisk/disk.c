/* The disk and its processes: what happens before and after each operation. */
#define _GNU_SOURCE
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t sd_draw(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

bool sd_coin(uint64_t *state) { return sd_draw(state) >> 63; }

uint64_t sd_stream(uint64_t seed, uint64_t purpose) {
    uint64_t state = seed ^ (purpose * 0xd1342543de82ef95);
    return sd_draw(&state);
}

/* A test that has no memory left can say nothing more. */
void *sd_grown(void *items, size_t size) {
    void *grown = realloc(items, size);
    if (!grown) abort();
    return grown;
}

void sd_enter(sdisk *disk) { pthread_mutex_lock(&disk->lock); }

void sd_leave(sdisk *disk) { pthread_mutex_unlock(&disk->lock); }

void sd_retain(sdisk *disk) { disk->references++; }

void sd_leave_and_release(sdisk *disk) {
    bool is_last = --disk->references == 0;
    sd_leave(disk);
    if (!is_last) return;
    sd_names_free(disk);
    while (disk->processes) {
        sdisk_process *next = disk->processes->next;
        free(disk->processes);
        disk->processes = next;
    }
    pthread_mutex_destroy(&disk->lock);
    free(disk);
}

sdisk *sdisk_new(uint64_t seed) {
    static int made;
    sdisk *disk = sd_grown(NULL, sizeof(sdisk));
    memset(disk, 0, sizeof(sdisk));
    disk->number = __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    disk->references = 1;
    disk->seed = seed;
    disk->capacity = -1;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&disk->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return disk;
}

void sdisk_free(sdisk *disk) {
    sd_enter(disk);
    for (sdisk_process *p = disk->processes; p; p = p->next) {
        sd_kill_process(p);
        sqlite3_vfs_unregister(&p->vfs);
    }
    disk->ask = NULL;
    sd_leave_and_release(disk);
}

void sdisk_set_ask(sdisk *disk, sdisk_ask ask, void *context) {
    sd_enter(disk);
    disk->ask = ask;
    disk->ask_context = context;
    sd_leave(disk);
}

void sdisk_set_capacity(sdisk *disk, int64_t bytes) {
    sd_enter(disk);
    disk->capacity = bytes;
    sd_leave(disk);
}

void sdisk_set_lying(sdisk *disk, unsigned kinds) {
    sd_enter(disk);
    disk->lying = kinds;
    sd_leave(disk);
}

void sdisk_set_time(sdisk *disk, int64_t milliseconds) {
    sd_enter(disk);
    disk->time = milliseconds;
    sd_leave(disk);
}

static int64_t read_locked(sdisk *disk, const int64_t *value) {
    sd_enter(disk);
    int64_t result = *value;
    sd_leave(disk);
    return result;
}

int64_t sdisk_used(sdisk *disk) { return read_locked(disk, &disk->used); }
int64_t sdisk_refused(sdisk *disk) { return read_locked(disk, &disk->refused); }
int64_t sdisk_lost(sdisk *disk) { return read_locked(disk, &disk->lost); }
int64_t sdisk_torn(sdisk *disk) { return read_locked(disk, &disk->torn); }
int64_t sdisk_power_cuts(sdisk *disk) { return read_locked(disk, &disk->cuts); }
int64_t sdisk_operations(sdisk *disk) { return read_locked(disk, &disk->operations); }

static void cut_power(sdisk *disk, uint64_t seed) {
    disk->cuts++;
    disk->cut_in = 0;
    for (sdisk_process *p = disk->processes; p; p = p->next) {
        sd_kill_process(p);
        for (sdisk_file *file = p->files; file; file = file->next_of_process) {
            file->node->is_reached = false;
        }
    }
    uint64_t generator = sd_stream(seed, 1);
    sd_names_settle(disk, &generator);
    for (int i = 0; i < disk->names_count; i++) {
        sd_node *node = disk->names[i]->now;
        node->is_reached = true;
        sd_node_settle(node, &generator);
    }
    for (sdisk_process *p = disk->processes; p; p = p->next) {
        for (sdisk_file *file = p->files; file; file = file->next_of_process) {
            if (!file->node->is_reached) sd_node_orphan(file->node);
        }
    }
}

void sdisk_cut_power(sdisk *disk, uint64_t seed) {
    sd_enter(disk);
    cut_power(disk, seed);
    sd_leave(disk);
}

void sdisk_cut_power_at(sdisk *disk, int64_t n, uint64_t seed) {
    sd_enter(disk);
    disk->cut_in = n;
    disk->cut_seed = seed;
    sd_leave(disk);
}

static sdisk_kind kind_of_name(const char *path) {
    const char *dash = strrchr(path, '-');
    if (dash && strcmp(dash, "-wal") == 0) return SDISK_WAL;
    if (dash && strcmp(dash, "-journal") == 0) return SDISK_JOURNAL;
    return SDISK_OTHER;
}

static const uint64_t digest_start = 0xcbf29ce484222325;

uint64_t sdisk_file_digest(sdisk *disk, const char *path) {
    sd_enter(disk);
    const sd_node *node = sd_names_find(disk, path);
    uint64_t digest = node ? sd_node_digest(node, kind_of_name(path), digest_start) : 0;
    sd_leave(disk);
    return digest;
}

uint64_t sdisk_digest(sdisk *disk) {
    sd_enter(disk);
    uint64_t digest = digest_start;
    for (int i = 0; i < disk->names_count; i++) {
        const sd_name *name = disk->names[i];
        if (!name->now) continue;
        for (const char *c = name->path; *c; c++) {
            digest = (digest ^ (uint8_t)*c) * 0x100000001b3;
        }
        digest = sd_node_digest(name->now, kind_of_name(name->path), digest);
    }
    sd_leave(disk);
    return digest;
}

void sdisk_seed_sqlite(int seed) {
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, seed, (sqlite3 *)NULL);
}

sdisk_process *sdisk_process_start(sdisk *disk) {
    sdisk_process *process = sd_grown(NULL, sizeof(sdisk_process));
    memset(process, 0, sizeof(sdisk_process));
    sd_enter(disk);
    process->disk = disk;
    process->number = ++disk->process_count;
    process->fate = sd_stream(disk->seed, 2 * (uint64_t)process->number);
    process->random = sd_stream(disk->seed, 2 * (uint64_t)process->number + 1);
    snprintf(
        process->vfs_name, sizeof process->vfs_name, "disk%d-p%d", disk->number, process->number);
    process->next = disk->processes;
    disk->processes = process;
    sd_vfs_set_up(process);
    sd_leave(disk);
    if (sqlite3_vfs_register(&process->vfs, 0) != SQLITE_OK) abort();
    return process;
}

const char *sdisk_process_vfs(sdisk_process *process) { return process->vfs_name; }

int sdisk_process_number(sdisk_process *process) { return process->number; }

bool sdisk_process_is_dead(sdisk_process *process) {
    sd_enter(process->disk);
    bool is_dead = process->is_dead;
    sd_leave(process->disk);
    return is_dead;
}

void sd_kill_process(sdisk_process *process) {
    if (process->is_dead) return;
    process->is_dead = true;
    for (sdisk_file *file = process->files; file; file = file->next_of_process) {
        sd_file_abandon(file);
    }
    sd_unlock_folders(process->disk, process, 0);
}

bool sdisk_is_alive(sdisk *disk, int number) {
    sd_enter(disk);
    const sdisk_process *process = disk->processes;
    while (process && process->number != number) process = process->next;
    bool is_alive = process && !process->is_dead;
    sd_leave(disk);
    return is_alive;
}

bool sdisk_is_holding(sdisk *disk, int number) {
    sd_enter(disk);
    const sdisk_process *process = disk->processes;
    while (process && process->number != number) process = process->next;
    bool is_holding = false;
    for (const sdisk_file *file = process ? process->files : NULL; file;
         file = file->next_of_process) {
        if (file->lock >= SQLITE_LOCK_RESERVED || file->shm_exclusive) is_holding = true;
    }
    for (const sd_folder_lock *lock = disk->folder_locks; lock; lock = lock->next) {
        if (lock->process == process && !lock->is_shared) is_holding = true;
    }
    sd_leave(disk);
    return is_holding;
}

void sdisk_process_kill(sdisk_process *process) {
    sd_enter(process->disk);
    sd_kill_process(process);
    sd_leave(process->disk);
}

void sdisk_process_kill_at(sdisk_process *process, int64_t n) {
    sd_enter(process->disk);
    process->dies_in = n;
    sd_leave(process->disk);
}

sdisk_counts sdisk_process_counts(sdisk_process *process) {
    sd_enter(process->disk);
    sdisk_counts counts = process->counts;
    sd_leave(process->disk);
    return counts;
}

static int error_of(sdisk_op op) {
    switch (op) {
    case SDISK_READ: return SQLITE_IOERR_READ;
    case SDISK_WRITE: return SQLITE_IOERR_WRITE;
    case SDISK_TRUNCATE: return SQLITE_IOERR_TRUNCATE;
    case SDISK_SYNC: return SQLITE_IOERR_FSYNC;
    case SDISK_LOCK: return SQLITE_IOERR_LOCK;
    case SDISK_SHMMAP: return SQLITE_IOERR_SHMMAP;
    case SDISK_SHMLOCK: return SQLITE_IOERR_SHMLOCK;
    case SDISK_DELETE: return SQLITE_IOERR_DELETE;
    case SDISK_FILESIZE: return SQLITE_IOERR_FSTAT;
    case SDISK_ACCESS: return SQLITE_IOERR_ACCESS;
    case SDISK_SYNCFOLDER: return SQLITE_IOERR_DIR_FSYNC;
    default: return SQLITE_IOERR;
    }
}

static int64_t within(int64_t value, int64_t most) {
    return value < 0 ? 0 : value > most ? most : value;
}

static void obey(sd_effect *effect, sdisk_op op, const sdisk_answer *answer) {
    switch (answer->verdict) {
    case SDISK_PROCEED: break;
    case SDISK_ERROR:
        effect->code = error_of(op);
        effect->is_done = false;
        effect->bytes = within(answer->part, effect->bytes);
        break;
    case SDISK_FULL:
        if (op != SDISK_WRITE && op != SDISK_TRUNCATE) break;
        effect->code = SQLITE_FULL;
        effect->is_done = false;
        effect->bytes = within(answer->part, effect->bytes);
        break;
    case SDISK_BUSY:
        if (op != SDISK_LOCK && op != SDISK_SHMLOCK) break;
        effect->code = SQLITE_BUSY;
        effect->is_done = false;
        break;
    case SDISK_LIE:
        effect->is_lie = op == SDISK_SYNC || op == SDISK_SYNCFOLDER;
        break;
    case SDISK_DIE:
    case SDISK_CUT:
        effect->end = answer->verdict;
        effect->seed = answer->seed;
        break;
    }
}

sd_effect sd_begin(
    sdisk_process *process, sdisk_op op, sdisk_kind kind, const char *path, int64_t offset,
    int64_t length
) {
    static const sd_effect refused = {.code = SQLITE_IOERR, .bytes = 0, .is_done = false};
    sdisk *disk = process->disk;
    if (process->is_dead) return refused;
    disk->operations++;
    process->counts.all++;
    process->counts.by_op[op]++;
    if (op == SDISK_SYNC) process->counts.syncs[kind]++;
    sd_effect effect = {
        .code = SQLITE_OK, .bytes = op == SDISK_WRITE ? length : 0, .is_done = true,
        .is_lie = (disk->lying >> kind & 1) != 0 && op == SDISK_SYNC};
    if (disk->ask) {
        sdisk_question question = {
            .process = process->number, .op = op, .kind = kind, .path = path ? path : "",
            .offset = offset, .length = length, .number = process->counts.all,
            .number_of_op = process->counts.by_op[op]};
        sdisk_answer answer = disk->ask(disk->ask_context, &question);
        // Whoever was asked may have killed the process meanwhile.
        if (process->is_dead) return refused;
        obey(&effect, op, &answer);
    }
    if (process->dies_in > 0 && --process->dies_in == 0) effect.end = SDISK_DIE;
    if (disk->cut_in > 0 && --disk->cut_in == 0) {
        effect.end = SDISK_CUT;
        effect.seed = disk->cut_seed;
    }
    // Of a write in a power cut the cut itself decides what is left.
    if (effect.end == SDISK_DIE && effect.bytes > 0) {
        effect.bytes = (int64_t)(sd_draw(&process->fate) % (uint64_t)(effect.bytes + 1));
    }
    if (effect.end != SDISK_PROCEED) effect.is_done = effect.is_done && sd_coin(&process->fate);
    return effect;
}

int sd_finish(sdisk_process *process, const sd_effect *effect, int code) {
    if (effect->end == SDISK_PROCEED) return code;
    if (effect->end == SDISK_DIE) sd_kill_process(process);
    if (effect->end == SDISK_CUT) cut_power(process->disk, effect->seed);
    return SQLITE_IOERR;
}
