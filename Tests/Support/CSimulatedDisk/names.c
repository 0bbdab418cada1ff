/* Names: which file a path means, for processes and after a power cut.
 *
 * Changes of names are durable once their folder is synced; a creation also once the file is, as
 * on the file systems in use. A power cut may undo the others; those of one path from some point
 * on, as the later ones make no sense without the earlier. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

size_t sd_folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

bool sd_names_is_in(const sd_name *name, const char *folder, size_t length) {
    while (length > 0 && folder[length - 1] == '/') length--;
    return name->folder_length == length && strncmp(name->path, folder, length) == 0;
}

/* The place of the path, or where it belongs. */
static int place(const sdisk *disk, const char *path) {
    int low = 0;
    int high = disk->names_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (strcmp(disk->names[middle]->path, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static sd_name *find(const sdisk *disk, const char *path) {
    int at = place(disk, path);
    if (at == disk->names_count || strcmp(disk->names[at]->path, path) != 0) return NULL;
    return disk->names[at];
}

static sd_name *find_or_add(sdisk *disk, const char *path) {
    sd_name *known = find(disk, path);
    if (known) return known;
    if (disk->names_count == disk->names_room) {
        disk->names_room = disk->names_room ? disk->names_room * 2 : 16;
        disk->names = sd_grown(disk->names, (size_t)disk->names_room * sizeof(sd_name *));
    }
    int at = place(disk, path);
    sd_name **slot = disk->names + at;
    memmove(slot + 1, slot, (size_t)(disk->names_count - at) * sizeof(sd_name *));
    disk->names_count++;
    size_t size = strlen(path) + 1;
    *slot = sd_grown(NULL, sizeof(sd_name));
    **slot = (sd_name){.path = sd_grown(NULL, size), .folder_length = sd_folder_length(path)};
    memcpy((*slot)->path, path, size);
    return *slot;
}

static void point(sd_node **slot, sd_node *node) {
    sd_node *before = *slot;
    *slot = sd_node_retain(node);
    sd_node_release(before);
}

/* The same for what processes see, which decides what takes room. */
static void show(sd_name *name, sd_node *node) {
    sd_node *before = sd_node_retain(name->now);
    if (before) before->names--;
    if (node) node->names++;
    point(&name->now, node);
    if (before) sd_node_count(before);
    if (node) sd_node_count(node);
    sd_node_release(before);
}

static void forget_unused(sdisk *disk) {
    if (disk->changes_count > 0) return;
    int count = 0;
    for (int i = 0; i < disk->names_count; i++) {
        sd_name *name = disk->names[i];
        if (name->now || name->kept) {
            disk->names[count++] = name;
        } else {
            free(name->path);
            free(name);
        }
    }
    disk->names_count = count;
}

static void change(sdisk *disk, sd_name *from, sd_name *to, sd_node *node) {
    if (disk->changes_count == disk->changes_room) {
        disk->changes_room = disk->changes_room ? disk->changes_room * 2 : 16;
        disk->changes = sd_grown(disk->changes, (size_t)disk->changes_room * sizeof(sd_change));
    }
    sd_change *added = &disk->changes[disk->changes_count++];
    *added = (sd_change){.from = from, .to = to, .node = sd_node_retain(node)};
    if (from) show(from, NULL);
    if (to) show(to, node);
}

static void make_durable(const sd_change *change) {
    if (change->from) point(&change->from->kept, NULL);
    if (change->to) point(&change->to->kept, change->node);
}

sd_node *sd_names_find(sdisk *disk, const char *path) {
    sd_name *name = find(disk, path);
    return name ? name->now : NULL;
}

sd_node *sd_names_create(sdisk *disk, const char *path) {
    sd_node *node = sd_node_new(disk, false);
    change(disk, NULL, find_or_add(disk, path), node);
    return node;
}

bool sd_names_remove(sdisk *disk, const char *path) {
    sd_name *name = find(disk, path);
    if (!name || !name->now) return false;
    change(disk, name, NULL, name->now);
    return true;
}

bool sd_names_rename(sdisk *disk, const char *from, const char *to) {
    sd_name *source = find(disk, from);
    if (!source || !source->now) return false;
    if (strcmp(from, to) != 0) change(disk, source, find_or_add(disk, to), source->now);
    return true;
}

static bool touches_marked(const sd_change *change) {
    return (change->from && change->from->is_marked) || (change->to && change->to->is_marked);
}

static void mark_names(const sd_change *change) {
    if (change->from) change->from->is_marked = true;
    if (change->to) change->to->is_marked = true;
}

static void unmark_names(sdisk *disk) {
    for (int i = 0; i < disk->names_count; i++) disk->names[i]->is_marked = false;
}

/* Makes the marked changes up to `last` durable, and the ones before that they stand on. */
static void flush(sdisk *disk, int last) {
    for (int i = last; i >= 0; i--) {
        sd_change *change = &disk->changes[i];
        if (!change->is_marked && !touches_marked(change)) continue;
        change->is_marked = true;
        mark_names(change);
    }
    unmark_names(disk);
    int left = 0;
    for (int i = 0; i < disk->changes_count; i++) {
        sd_change change = disk->changes[i];
        if (change.is_marked) {
            make_durable(&change);
            sd_node_release(change.node);
        } else {
            disk->changes[left++] = change;
        }
    }
    disk->changes_count = left;
    forget_unused(disk);
}

void sd_names_sync_creation(sdisk *disk, const sd_node *node) {
    for (int i = 0; i < disk->changes_count; i++) {
        sd_change *change = &disk->changes[i];
        if (change->from || change->node != node) continue;
        change->is_marked = true;
        flush(disk, i);
        return;
    }
}

void sd_names_sync_folder(sdisk *disk, const char *path, size_t length) {
    bool is_any = false;
    for (int i = 0; i < disk->changes_count; i++) {
        sd_change *change = &disk->changes[i];
        change->is_marked = (change->from && sd_names_is_in(change->from, path, length))
            || (change->to && sd_names_is_in(change->to, path, length));
        is_any = is_any || change->is_marked;
    }
    if (is_any) flush(disk, disk->changes_count - 1);
}

void sd_names_settle(sdisk *disk, uint64_t *generator) {
    uint64_t way = sd_draw(generator) % 3;
    for (int i = 0; i < disk->changes_count; i++) {
        sd_change *change = &disk->changes[i];
        bool is_kept = way == 0 || (way == 1 && sd_coin(generator));
        if (is_kept && !touches_marked(change)) {
            make_durable(change);
        } else {
            mark_names(change);
            disk->lost++;
        }
        sd_node_release(change->node);
    }
    disk->changes_count = 0;
    unmark_names(disk);
    for (int i = 0; i < disk->names_count; i++) {
        show(disk->names[i], disk->names[i]->kept);
    }
    forget_unused(disk);
}

void sd_names_free(sdisk *disk) {
    for (int i = 0; i < disk->changes_count; i++) sd_node_release(disk->changes[i].node);
    disk->changes_count = 0;
    for (int i = 0; i < disk->names_count; i++) {
        show(disk->names[i], NULL);
        point(&disk->names[i]->kept, NULL);
    }
    forget_unused(disk);
    free(disk->names);
    free(disk->changes);
}
