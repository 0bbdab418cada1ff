/* Locks of database files, and the memory and locks of WAL indexes.
 *
 * Locks belong to connections. That of the file is one of SQLite's five levels, those of the WAL
 * index are eight, each shared or exclusive. */
#define _GNU_SOURCE
#include "internal.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int strongest_of_others(const sdisk_file *file) {
    int strongest = SQLITE_LOCK_NONE;
    for (const sdisk_file *other = file->node->files; other; other = other->next_of_node) {
        if (other != file && other->lock > strongest) strongest = other->lock;
    }
    return strongest;
}

/* Many may share; one of them may reserve, so that others still read but nobody else writes; who
 * wants to write lets no new reader in (pending) and waits for the old ones to go. */
static int lock_level(sdisk_file *file, int level) {
    if (file->lock >= level) return SQLITE_OK;
    int others = strongest_of_others(file);
    if (level == SQLITE_LOCK_SHARED) {
        if (others >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    } else if (others >= SQLITE_LOCK_RESERVED) {
        return SQLITE_BUSY;
    } else if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
        file->lock = SQLITE_LOCK_PENDING;
        return SQLITE_BUSY;
    }
    file->lock = level;
    return SQLITE_OK;
}

int sd_file_lock(sqlite3_file *base, int level) {
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    sd_effect effect = sd_begin(file->process, SDISK_LOCK, file->kind, file->path, level, 0);
    int code = effect.code;
    if (effect.is_done) code = lock_level(file, level);
    code = sd_finish(file->process, &effect, code);
    sd_leave(disk);
    return code;
}

/* Giving back is no operation: it cannot fail, and dying in it is dying before the next one. */
int sd_file_unlock(sqlite3_file *base, int level) {
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    int code = file->process->is_dead ? SQLITE_IOERR : SQLITE_OK;
    if (file->lock > level) file->lock = level;
    sd_leave(disk);
    return code;
}

int sd_file_is_reserved(sqlite3_file *base, int *result) {
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    sd_effect effect = sd_begin(file->process, SDISK_LOCK, file->kind, file->path, 0, 0);
    int others = strongest_of_others(file);
    *result = effect.is_done
        && (others >= SQLITE_LOCK_RESERVED || file->lock >= SQLITE_LOCK_RESERVED);
    int code = sd_finish(file->process, &effect, effect.code);
    sd_leave(disk);
    return code;
}

/* A WAL index is mapped for each connection, so that a dead one can be cut off: SQLite tidies a
 * WAL index when it rolls back, and a dead process must not do that to the living. */
static void *map(const sd_shm *shm, void *where, int region, int sharing) {
    int flags = sharing | (where ? MAP_FIXED : 0) | MAP_POPULATE;
    off_t offset = (off_t)region * shm->region_size;
    size_t size = (size_t)shm->region_size;
    return mmap(where, size, PROT_READ | PROT_WRITE, flags, shm->descriptor, offset);
}

static int join_shm(sdisk_file *file, int region_size) {
    sd_node *node = file->node;
    if (!node->shm) {
        int descriptor = memfd_create("wal-index", MFD_CLOEXEC);
        if (descriptor < 0) return SQLITE_IOERR_SHMOPEN;
        node->shm = sd_grown(NULL, sizeof(sd_shm));
        *node->shm = (sd_shm){.descriptor = descriptor, .region_size = region_size};
    }
    if (!file->uses_shm) node->shm->users++;
    file->uses_shm = true;
    file->region_size = node->shm->region_size;
    return SQLITE_OK;
}

static int map_regions(sdisk_file *file, int region, int extend, void volatile **at) {
    sd_shm *shm = file->node->shm;
    *at = NULL;
    if (region >= shm->regions) {
        if (!extend) return SQLITE_OK;
        if (ftruncate(shm->descriptor, (off_t)(region + 1) * shm->region_size) != 0) {
            return SQLITE_IOERR_SHMSIZE;
        }
        shm->regions = region + 1;
    }
    if (region >= file->regions_count) {
        file->regions = sd_grown(file->regions, (size_t)(region + 1) * sizeof(uint8_t *));
        while (file->regions_count <= region) {
            void *mapped = map(shm, NULL, file->regions_count, MAP_SHARED);
            if (mapped == MAP_FAILED) return SQLITE_IOERR_SHMMAP;
            file->regions[file->regions_count++] = mapped;
        }
    }
    *at = file->regions[region];
    return SQLITE_OK;
}

int sd_file_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **at) {
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    *at = NULL;
    sd_effect effect = sd_begin(file->process, SDISK_SHMMAP, file->kind, file->path, region, size);
    int code = effect.code;
    if (effect.is_done) code = join_shm(file, size);
    if (effect.is_done && code == SQLITE_OK) code = map_regions(file, region, extend, at);
    code = sd_finish(file->process, &effect, code);
    sd_leave(disk);
    return code;
}

static bool is_contested(const sdisk_file *file, unsigned mask, bool is_exclusive) {
    for (const sdisk_file *other = file->node->files; other; other = other->next_of_node) {
        if (other == file) continue;
        if (other->shm_exclusive & mask) return true;
        if (is_exclusive && (other->shm_shared & mask)) return true;
    }
    return false;
}

int sd_file_shm_lock(sqlite3_file *base, int first, int count, int flags) {
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    unsigned mask = ((1u << count) - 1) << first;
    bool is_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    sd_enter(disk);
    int code;
    if (flags & SQLITE_SHM_UNLOCK) {
        code = file->process->is_dead ? SQLITE_IOERR : SQLITE_OK;
        if (is_exclusive) file->shm_exclusive &= ~mask;
        if (!is_exclusive) file->shm_shared &= ~mask;
    } else {
        sd_effect effect =
            sd_begin(file->process, SDISK_SHMLOCK, file->kind, file->path, first, count);
        code = effect.code;
        if (effect.is_done && is_contested(file, mask, is_exclusive)) {
            code = SQLITE_BUSY;
        } else if (effect.is_done) {
            if (is_exclusive) file->shm_exclusive |= mask;
            if (!is_exclusive) file->shm_shared |= mask;
        }
        code = sd_finish(file->process, &effect, code);
    }
    sd_leave(disk);
    return code;
}

void sd_file_shm_barrier(sqlite3_file *base) {
    (void)base;
    __sync_synchronize();
}

/* The last one to go takes the index with it: it is made anew from the WAL, whether or not its
 * file was deleted. */
static void leave_shm(sdisk_file *file) {
    if (!file->uses_shm) return;
    file->uses_shm = false;
    file->shm_shared = 0;
    file->shm_exclusive = 0;
    sd_shm *shm = file->node->shm;
    if (--shm->users > 0) return;
    close(shm->descriptor);
    free(shm);
    file->node->shm = NULL;
}

void sd_file_close_shm(sdisk_file *file) {
    leave_shm(file);
    for (int i = 0; i < file->regions_count; i++) {
        munmap(file->regions[i], (size_t)file->region_size);
    }
    free(file->regions);
    file->regions = NULL;
    file->regions_count = 0;
}

int sd_file_shm_unmap(sqlite3_file *base, int is_deleting) {
    (void)is_deleting;
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    sd_file_close_shm(file);
    sd_leave(disk);
    return SQLITE_OK;
}

void sd_file_abandon(sdisk_file *file) {
    file->lock = SQLITE_LOCK_NONE;
    if (!file->uses_shm) return;
    for (int i = 0; i < file->regions_count; i++) {
        if (map(file->node->shm, file->regions[i], i, MAP_PRIVATE) == MAP_FAILED) abort();
    }
    leave_shm(file);
}
