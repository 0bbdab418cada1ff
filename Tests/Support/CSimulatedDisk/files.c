/* Operations on whole nodes, and on files that are not databases. */
#include "internal.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

int sd_write_node(
    sdisk_process *process, sd_node *node, sdisk_kind kind, const char *path, const void *bytes,
    int64_t length, int64_t offset
) {
    sd_effect effect = sd_begin(process, SDISK_WRITE, kind, path, offset, length);
    int code = effect.code;
    int64_t room = sd_node_room(node, effect.bytes, offset);
    if (room < effect.bytes) {
        effect.bytes = room;
        if (code == SQLITE_OK) {
            code = SQLITE_FULL;
            process->disk->refused++;
        }
    }
    sd_node_write(node, bytes, effect.bytes, offset);
    process->counts.bytes_written += effect.bytes;
    return sd_finish(process, &effect, code);
}

int sd_truncate_node(
    sdisk_process *process, sd_node *node, sdisk_kind kind, const char *path, int64_t size
) {
    sd_effect effect = sd_begin(process, SDISK_TRUNCATE, kind, path, size, 0);
    int code = effect.code;
    int64_t more = size - node->now.size;
    if (effect.is_done && more > 0 && sd_node_room(node, more, node->now.size) < more) {
        code = SQLITE_FULL;
        process->disk->refused++;
    } else if (effect.is_done) {
        sd_node_truncate(node, size);
    }
    return sd_finish(process, &effect, code);
}

int sdisk_exists(sdisk_process *process, const char *path, bool *exists) {
    sd_enter(process->disk);
    sd_effect effect = sd_begin(process, SDISK_ACCESS, SDISK_OTHER, path, 0, 0);
    *exists = effect.is_done && sd_names_find(process->disk, path);
    int code = sd_finish(process, &effect, effect.code);
    sd_leave(process->disk);
    return code;
}

int sdisk_size(sdisk_process *process, const char *path, int64_t *size) {
    sd_enter(process->disk);
    sd_effect effect = sd_begin(process, SDISK_FILESIZE, SDISK_OTHER, path, 0, 0);
    int code = effect.code;
    const sd_node *node = sd_names_find(process->disk, path);
    *size = effect.is_done && node ? node->now.size : 0;
    if (effect.is_done && !node) code = SQLITE_CANTOPEN;
    code = sd_finish(process, &effect, code);
    sd_leave(process->disk);
    return code;
}

int sdisk_read(
    sdisk_process *process, const char *path, void *bytes, int64_t length, int64_t offset,
    int64_t *count
) {
    sd_enter(process->disk);
    sd_effect effect = sd_begin(process, SDISK_READ, SDISK_OTHER, path, offset, length);
    int code = effect.code;
    const sd_node *node = sd_names_find(process->disk, path);
    *count = effect.is_done && node ? sd_node_read(node, bytes, length, offset) : 0;
    if (effect.is_done && !node) code = SQLITE_CANTOPEN;
    code = sd_finish(process, &effect, code);
    sd_leave(process->disk);
    return code;
}

/* Two operations when the file is new, so that a process can die between them. */
int sdisk_write(
    sdisk_process *process, const char *path, const void *bytes, int64_t length, int64_t offset
) {
    sdisk *disk = process->disk;
    sd_enter(disk);
    int code = SQLITE_OK;
    sd_node *node = sd_names_find(disk, path);
    if (!node) {
        sd_effect effect = sd_begin(process, SDISK_OPEN, SDISK_OTHER, path, 0, 0);
        if (effect.is_done) node = sd_names_create(disk, path);
        code = sd_finish(process, &effect, effect.code);
    }
    if (code == SQLITE_OK) {
        sd_node_retain(node);
        code = sd_write_node(process, node, SDISK_OTHER, path, bytes, length, offset);
        sd_node_release(node);
    }
    sd_leave(disk);
    return code;
}

int sdisk_truncate(sdisk_process *process, const char *path, int64_t size) {
    sd_enter(process->disk);
    sd_node *node = sd_node_retain(sd_names_find(process->disk, path));
    int code = node ? sd_truncate_node(process, node, SDISK_OTHER, path, size) : SQLITE_CANTOPEN;
    if (process->is_dead) code = SQLITE_IOERR;
    sd_node_release(node);
    sd_leave(process->disk);
    return code;
}

int sdisk_sync(sdisk_process *process, const char *path) {
    sdisk *disk = process->disk;
    sd_enter(disk);
    sd_effect effect = sd_begin(process, SDISK_SYNC, SDISK_OTHER, path, 0, 0);
    int code = effect.code;
    sd_node *node = sd_names_find(disk, path);
    if (effect.is_done && !node) code = SQLITE_CANTOPEN;
    if (effect.is_done && node && !effect.is_lie) {
        sd_node_sync(node);
        sd_names_sync_creation(disk, node);
    }
    code = sd_finish(process, &effect, code);
    sd_leave(disk);
    return code;
}

int sdisk_remove(sdisk_process *process, const char *path) {
    sd_enter(process->disk);
    sd_effect effect = sd_begin(process, SDISK_DELETE, SDISK_OTHER, path, 0, 0);
    int code = effect.code;
    if (effect.is_done && !sd_names_remove(process->disk, path)) code = SQLITE_CANTOPEN;
    code = sd_finish(process, &effect, code);
    sd_leave(process->disk);
    return code;
}

int sdisk_rename(sdisk_process *process, const char *from, const char *to) {
    sd_enter(process->disk);
    sd_effect effect = sd_begin(process, SDISK_RENAME, SDISK_OTHER, from, 0, 0);
    int code = effect.code;
    if (effect.is_done && !sd_names_rename(process->disk, from, to)) code = SQLITE_CANTOPEN;
    code = sd_finish(process, &effect, code);
    sd_leave(process->disk);
    return code;
}

int sdisk_sync_folder(sdisk_process *process, const char *folder) {
    sd_enter(process->disk);
    sd_effect effect = sd_begin(process, SDISK_SYNCFOLDER, SDISK_OTHER, folder, 0, 0);
    if (effect.is_done && !effect.is_lie) {
        sd_names_sync_folder(process->disk, folder, strlen(folder));
    }
    int code = sd_finish(process, &effect, effect.code);
    sd_leave(process->disk);
    return code;
}

int sdisk_list(sdisk_process *process, const char *folder, sdisk_visit visit, void *context) {
    sdisk *disk = process->disk;
    sd_enter(disk);
    sd_effect effect = sd_begin(process, SDISK_LIST, SDISK_OTHER, folder, 0, 0);
    size_t length = strlen(folder);
    for (int i = 0; effect.is_done && i < disk->names_count; i++) {
        const sd_name *name = disk->names[i];
        if (name->now && sd_names_is_in(name, folder, length)) visit(context, name->path);
    }
    int code = sd_finish(process, &effect, effect.code);
    sd_leave(disk);
    return code;
}

static bool is_locked(const sdisk *disk, const char *folder, bool is_shared) {
    for (const sd_folder_lock *lock = disk->folder_locks; lock; lock = lock->next) {
        bool excludes = !is_shared || !lock->is_shared;
        if (excludes && strcmp(lock->folder, folder) == 0) return true;
    }
    return false;
}

int sdisk_lock_folder(
    sdisk_process *process, const char *folder, bool is_shared, int64_t *number
) {
    sdisk *disk = process->disk;
    sd_enter(disk);
    *number = 0;
    sd_effect effect = sd_begin(process, SDISK_LOCK, SDISK_OTHER, folder, 0, 0);
    int code = effect.code;
    if (effect.is_done && is_locked(disk, folder, is_shared)) {
        code = SQLITE_BUSY;
    } else if (effect.is_done) {
        size_t size = strlen(folder) + 1;
        sd_folder_lock *lock = sd_grown(NULL, sizeof(sd_folder_lock) + size);
        *lock = (sd_folder_lock){
            .next = disk->folder_locks, .process = process, .is_shared = is_shared,
            .number = ++disk->folder_locks_made};
        memcpy(lock->folder, folder, size);
        disk->folder_locks = lock;
        *number = lock->number;
    }
    code = sd_finish(process, &effect, code);
    sd_leave(disk);
    return code;
}

void sd_unlock_folders(sdisk *disk, const sdisk_process *process, int64_t number) {
    sd_folder_lock **link = &disk->folder_locks;
    while (*link) {
        sd_folder_lock *lock = *link;
        if (lock->process == process && (number == 0 || lock->number == number)) {
            *link = lock->next;
            free(lock);
        } else {
            link = &lock->next;
        }
    }
}

void sdisk_unlock_folder(sdisk_process *process, int64_t number) {
    sd_enter(process->disk);
    if (number > 0) sd_unlock_folders(process->disk, process, number);
    sd_leave(process->disk);
}

int sdisk_sleep(sdisk_process *process, int64_t microseconds) {
    sd_enter(process->disk);
    sd_effect effect = sd_begin(process, SDISK_SLEEP, SDISK_OTHER, NULL, 0, microseconds);
    int code = sd_finish(process, &effect, effect.code);
    sd_leave(process->disk);
    sched_yield();
    return code;
}
