/* SQLite's view: the methods of a file and of a file system, each one operation of the disk. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

static int file_close(sqlite3_file *base) {
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    sd_file_close_shm(file);
    if (file->deletes_on_close && file->path && !file->process->is_dead) {
        sd_names_remove(disk, file->path);
    }
    sdisk_file **link = &file->process->files;
    while (*link != file) link = &(*link)->next_of_process;
    *link = file->next_of_process;
    link = &file->node->files;
    while (*link != file) link = &(*link)->next_of_node;
    *link = file->next_of_node;
    sd_node_count(file->node);
    sd_node_release(file->node);
    sd_leave_and_release(disk);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *bytes, int length, sqlite3_int64 offset) {
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    sd_effect effect =
        sd_begin(file->process, SDISK_READ, file->kind, file->path, offset, length);
    int code = effect.code;
    if (effect.is_done) {
        int64_t count = sd_node_read(file->node, bytes, length, offset);
        if (count < length) {
            memset((uint8_t *)bytes + count, 0, (size_t)(length - count));
            code = SQLITE_IOERR_SHORT_READ;
        }
    }
    code = sd_finish(file->process, &effect, code);
    sd_leave(disk);
    return code;
}

static int file_write(sqlite3_file *base, const void *bytes, int length, sqlite3_int64 offset) {
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    int code = sd_write_node(
        file->process, file->node, file->kind, file->path, bytes, length, offset);
    sd_leave(disk);
    return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size) {
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    int code = sd_truncate_node(file->process, file->node, file->kind, file->path, size);
    sd_leave(disk);
    return code;
}

/* The first sync of a new journal or WAL also syncs its folder, as on Unix. */
static int file_sync(sqlite3_file *base, int flags) {
    (void)flags;
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    sd_effect effect = sd_begin(file->process, SDISK_SYNC, file->kind, file->path, 0, 0);
    if (effect.is_done && !effect.is_lie) {
        sd_node_sync(file->node);
        sd_names_sync_creation(disk, file->node);
        if (file->syncs_folder) {
            sd_names_sync_folder(disk, file->path, sd_folder_length(file->path));
        }
        file->syncs_folder = false;
    }
    int code = sd_finish(file->process, &effect, effect.code);
    sd_leave(disk);
    return code;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size) {
    sdisk_file *file = (sdisk_file *)base;
    sdisk *disk = file->process->disk;
    sd_enter(disk);
    sd_effect effect = sd_begin(file->process, SDISK_FILESIZE, file->kind, file->path, 0, 0);
    *size = effect.is_done ? file->node->now.size : 0;
    int code = sd_finish(file->process, &effect, effect.code);
    sd_leave(disk);
    return code;
}

static int file_control(sqlite3_file *base, int request, void *argument) {
    (void)base;
    (void)request;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base) {
    (void)base;
    return SECTOR;
}

/* A torn write leaves its neighbours alone, as SQLite takes for granted on Unix. */
static int file_characteristics(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* Version 2: shared memory, but no mapping of database pages, which nobody could fail. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = sd_file_lock,
    .xUnlock = sd_file_unlock,
    .xCheckReservedLock = sd_file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = sd_file_shm_map,
    .xShmLock = sd_file_shm_lock,
    .xShmBarrier = sd_file_shm_barrier,
    .xShmUnmap = sd_file_shm_unmap,
};

static sdisk_kind kind_of(int flags) {
    if (flags & SQLITE_OPEN_MAIN_DB) return SDISK_DATABASE;
    if (flags & SQLITE_OPEN_WAL) return SDISK_WAL;
    if (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) return SDISK_JOURNAL;
    return SDISK_OTHER;
}

static int find_node(sdisk *disk, const char *path, int flags, sd_node **found) {
    if (!path) {
        *found = sd_node_new(disk, true);
        return SQLITE_OK;
    }
    *found = sd_names_find(disk, path);
    if (*found) {
        int is_exclusive = (flags & SQLITE_OPEN_CREATE) && (flags & SQLITE_OPEN_EXCLUSIVE);
        return is_exclusive ? SQLITE_CANTOPEN : SQLITE_OK;
    }
    if (!(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
    *found = sd_names_create(disk, path);
    return SQLITE_OK;
}

static int vfs_open(
    sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out_flags
) {
    sdisk_process *process = vfs->pAppData;
    sdisk *disk = process->disk;
    sdisk_file *file = (sdisk_file *)base;
    memset(file, 0, sizeof *file);
    sdisk_kind kind = kind_of(flags);
    sd_enter(disk);
    sd_effect effect = sd_begin(process, SDISK_OPEN, kind, path, 0, 0);
    int code = effect.code;
    sd_node *node = NULL;
    if (effect.is_done) code = find_node(disk, path, flags, &node);
    sd_node_retain(node);
    code = sd_finish(process, &effect, code);
    if (code == SQLITE_OK) {
        bool is_journal = (flags & SQLITE_OPEN_WAL) || kind == SDISK_JOURNAL;
        *file = (sdisk_file){
            .base.pMethods = &methods, .process = process, .node = node, .path = path,
            .kind = kind, .next_of_process = process->files, .next_of_node = node->files,
            .syncs_folder = path && is_journal && (flags & SQLITE_OPEN_CREATE),
            .deletes_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0};
        process->files = file;
        node->files = file;
        sd_node_count(node);
        sd_retain(disk);
        if (out_flags) *out_flags = flags;
    } else {
        sd_node_release(node);
    }
    sd_leave(disk);
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int syncs_folder) {
    sdisk_process *process = vfs->pAppData;
    sdisk *disk = process->disk;
    sd_enter(disk);
    sd_effect effect = sd_begin(process, SDISK_DELETE, SDISK_OTHER, path, 0, 0);
    int code = effect.code;
    if (effect.is_done && !sd_names_remove(disk, path)) code = SQLITE_IOERR_DELETE_NOENT;
    if (effect.is_done && syncs_folder) {
        sd_names_sync_folder(disk, path, sd_folder_length(path));
    }
    code = sd_finish(process, &effect, code);
    sd_leave(disk);
    return code;
}

/* An empty file counts as none, as on Unix: journals are emptied instead of deleted. */
static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
    sdisk_process *process = vfs->pAppData;
    sdisk *disk = process->disk;
    sd_enter(disk);
    sd_effect effect = sd_begin(process, SDISK_ACCESS, SDISK_OTHER, path, 0, 0);
    const sd_node *node = sd_names_find(disk, path);
    *result = effect.is_done && node && (flags != SQLITE_ACCESS_EXISTS || node->now.size > 0);
    int code = sd_finish(process, &effect, effect.code);
    sd_leave(disk);
    return code;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *full) {
    (void)vfs;
    int length = snprintf(full, (size_t)size, "%s", path);
    return length >= 0 && length < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *vfs, int count, char *bytes) {
    sdisk_process *process = vfs->pAppData;
    sd_enter(process->disk);
    for (int i = 0; i < count; i++) bytes[i] = (char)(sd_draw(&process->random) & 0xff);
    sd_leave(process->disk);
    return count;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    sdisk_sleep(vfs->pAppData, microseconds);
    return microseconds;
}

/* Julian days begin at noon, 24 November 4714 BC. */
static const sqlite3_int64 epoch_in_julian_milliseconds = 210866760000000;

static int vfs_time_milliseconds(sqlite3_vfs *vfs, sqlite3_int64 *time) {
    sdisk_process *process = vfs->pAppData;
    sd_enter(process->disk);
    *time = epoch_in_julian_milliseconds + process->disk->time;
    sd_leave(process->disk);
    return SQLITE_OK;
}

static int vfs_time_days(sqlite3_vfs *vfs, double *days) {
    sqlite3_int64 time;
    vfs_time_milliseconds(vfs, &time);
    *days = (double)time / 86400000.0;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *text) {
    (void)vfs;
    if (size > 0) text[0] = 0;
    return 0;
}

void sd_vfs_set_up(sdisk_process *process) {
    process->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(sdisk_file),
        .mxPathname = 1024,
        .zName = process->vfs_name,
        .pAppData = process,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time_days,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time_milliseconds,
    };
}
