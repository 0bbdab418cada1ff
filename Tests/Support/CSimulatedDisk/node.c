/* Contents: what processes see, what is durable, and the way from one to the other. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Beyond this many unsynced bytes the older half is written back, as a kernel does some time. */
enum { WRITE_BACK_BYTES = 64 << 20 };

static void reserve(sd_buffer *buffer, int64_t size) {
    if (size <= buffer->capacity) return;
    int64_t capacity = buffer->capacity < 4096 ? 4096 : buffer->capacity;
    while (capacity < size) capacity *= 2;
    buffer->bytes = sd_grown(buffer->bytes, (size_t)capacity);
    memset(buffer->bytes + buffer->capacity, 0, (size_t)(capacity - buffer->capacity));
    buffer->capacity = capacity;
}

static void resize(sd_buffer *buffer, int64_t size) {
    reserve(buffer, size);
    if (size < buffer->size) memset(buffer->bytes + size, 0, (size_t)(buffer->size - size));
    buffer->size = size;
}

static void put(sd_buffer *buffer, const void *bytes, int64_t length, int64_t offset) {
    if (length <= 0) return;
    if (offset + length > buffer->size) resize(buffer, offset + length);
    memcpy(buffer->bytes + offset, bytes, (size_t)length);
}

sd_node *sd_node_new(sdisk *disk, bool is_temporary) {
    sd_node *node = sd_grown(NULL, sizeof(sd_node));
    memset(node, 0, sizeof(sd_node));
    node->disk = disk;
    node->is_temporary = is_temporary;
    return node;
}

sd_node *sd_node_retain(sd_node *node) {
    if (node) node->references++;
    return node;
}

void sd_node_release(sd_node *node) {
    if (!node || --node->references > 0) return;
    free(node->now.bytes);
    free(node->kept.bytes);
    free(node->written.bytes);
    free(node->pending);
    free(node);
}

static void take_room(sd_node *node, int64_t bytes) {
    if (node->is_counted) node->disk->used += bytes;
}

void sd_node_count(sd_node *node) {
    bool is_reachable = node->names > 0 || node->files;
    if (is_reachable == node->is_counted) return;
    take_room(node, -node->now.size);
    node->is_counted = is_reachable;
    take_room(node, node->now.size);
}

static void forget_pending(sd_node *node) {
    node->pendings = 0;
    node->written.size = 0;
}

void sd_node_orphan(sd_node *node) {
    take_room(node, -node->now.size);
    node->is_temporary = true;
    resize(&node->now, 0);
    forget_pending(node);
}

int64_t sd_node_read(const sd_node *node, void *bytes, int64_t length, int64_t offset) {
    int64_t left = node->now.size - offset;
    if (left > length) left = length;
    if (left <= 0) return 0;
    memcpy(bytes, node->now.bytes + offset, (size_t)left);
    return left;
}

int64_t sd_node_room(const sd_node *node, int64_t length, int64_t offset) {
    const sdisk *disk = node->disk;
    if (disk->capacity < 0) return length;
    int64_t free_bytes = disk->capacity - disk->used;
    int64_t end = node->now.size + (free_bytes > 0 ? free_bytes : 0);
    int64_t room = end - offset;
    if (room < 0) room = 0;
    return room < length ? room : length;
}

static void apply(sd_node *node, const sd_pending *change) {
    if (change->length < 0) {
        resize(&node->kept, change->offset);
    } else {
        put(&node->kept, node->written.bytes + change->at, change->length, change->offset);
    }
}

static void write_back_older_half(sd_node *node) {
    int64_t half = (node->pendings + 1) / 2;
    for (int64_t i = 0; i < half; i++) apply(node, &node->pending[i]);
    int64_t left = node->pendings - half;
    int64_t first = left > 0 ? node->pending[half].at : node->written.size;
    memmove(node->pending, node->pending + half, (size_t)left * sizeof(sd_pending));
    memmove(node->written.bytes, node->written.bytes + first, (size_t)(node->written.size - first));
    node->written.size -= first;
    node->pendings = left;
    for (int64_t i = 0; i < left; i++) node->pending[i].at -= first;
}

static void note(sd_node *node, const void *bytes, int64_t length, int64_t offset) {
    if (node->is_temporary) return;
    if (node->pendings == node->pendings_room) {
        node->pendings_room = node->pendings_room ? node->pendings_room * 2 : 16;
        node->pending =
            sd_grown(node->pending, (size_t)node->pendings_room * sizeof(sd_pending));
    }
    node->pending[node->pendings++] =
        (sd_pending){.offset = offset, .length = length, .at = node->written.size};
    if (length < 0) return;
    reserve(&node->written, node->written.size + length);
    memcpy(node->written.bytes + node->written.size, bytes, (size_t)length);
    node->written.size += length;
    if (node->written.size > WRITE_BACK_BYTES) write_back_older_half(node);
}

void sd_node_write(sd_node *node, const void *bytes, int64_t length, int64_t offset) {
    if (length <= 0) return;
    int64_t before = node->now.size;
    put(&node->now, bytes, length, offset);
    take_room(node, node->now.size - before);
    note(node, bytes, length, offset);
}

void sd_node_truncate(sd_node *node, int64_t size) {
    take_room(node, size - node->now.size);
    resize(&node->now, size);
    note(node, NULL, -1, size);
}

/* What is durable becomes what processes see; only what differs is copied. */
void sd_node_sync(sd_node *node) {
    int64_t whole_from = INT64_MAX;
    for (int64_t i = 0; i < node->pendings; i++) {
        const sd_pending *change = &node->pending[i];
        if (change->length < 0 && change->offset < whole_from) whole_from = change->offset;
    }
    resize(&node->kept, node->now.size);
    for (int64_t i = 0; i < node->pendings; i++) {
        const sd_pending *change = &node->pending[i];
        if (change->length < 0) continue;
        int64_t length = change->length;
        if (change->offset + length > node->now.size) length = node->now.size - change->offset;
        if (length <= 0) continue;
        memcpy(
            node->kept.bytes + change->offset, node->now.bytes + change->offset, (size_t)length);
    }
    if (whole_from < node->now.size) {
        memcpy(
            node->kept.bytes + whole_from, node->now.bytes + whole_from,
            (size_t)(node->now.size - whole_from));
    }
    forget_pending(node);
}

/* Some sectors of a write are new and some are old. The file may have grown to its new size all
 * the same, and holds zeros then where nothing arrived. */
static void tear(sd_node *node, const sd_pending *change, uint64_t *generator) {
    if (change->length < 0) {
        if (sd_coin(generator)) {
            apply(node, change);
        } else {
            node->disk->lost++;
        }
        return;
    }
    int64_t arrived = 0;
    int64_t end = change->offset + change->length;
    int64_t at = change->offset;
    while (at < end) {
        int64_t next = (at / SECTOR + 1) * SECTOR;
        if (next > end) next = end;
        if (sd_coin(generator)) {
            const uint8_t *bytes = node->written.bytes + change->at + (at - change->offset);
            put(&node->kept, bytes, next - at, at);
            arrived += next - at;
        }
        at = next;
    }
    if (node->kept.size < end && sd_coin(generator)) resize(&node->kept, end);
    if (arrived == 0) node->disk->lost++;
    if (arrived > 0 && arrived < change->length) node->disk->torn++;
}

/* Disks lose in many ways; four of them, so that each is met often: everything, nothing, all after
 * a moment, and here and there. */
void sd_node_settle(sd_node *node, uint64_t *generator) {
    if (node->pendings == 0) return;
    uint64_t way = sd_draw(generator) % 4;
    uint64_t first_lost = sd_draw(generator) % (uint64_t)node->pendings;
    for (int64_t i = 0; i < node->pendings; i++) {
        const sd_pending *change = &node->pending[i];
        uint64_t fate = 0;
        if (way == 1 || (way == 2 && (uint64_t)i < first_lost)) fate = 1;
        if (way == 2 && (uint64_t)i == first_lost) fate = 2;
        if (way == 3) fate = sd_draw(generator) % 3;
        if (fate == 0) node->disk->lost++;
        if (fate == 1) apply(node, change);
        if (fate == 2) tear(node, change, generator);
    }
    take_room(node, node->kept.size - node->now.size);
    resize(&node->now, node->kept.size);
    if (node->kept.size > 0) {
        memcpy(node->now.bytes, node->kept.bytes, (size_t)node->kept.size);
    }
    forget_pending(node);
}

/* FNV-1a over words of eight bytes, then over the bytes that are left. */
static uint64_t digest_bytes(uint64_t digest, const uint8_t *bytes, int64_t length) {
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        digest = (digest ^ word) * 0x100000001b3;
        digest ^= digest >> 32;
        bytes += 8;
        length -= 8;
    }
    for (int64_t i = 0; i < length; i++) digest = (digest ^ bytes[i]) * 0x100000001b3;
    return digest;
}

static int64_t page_size(const sd_node *node) {
    if (node->now.size < 12) return 4096;
    const uint8_t *at = node->now.bytes + 8;
    int64_t size = (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
    bool is_sound = size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
    return is_sound ? size : 4096;
}

/* A WAL is a header of 32 bytes, the second half salts and checksum, and frames: 8 bytes, 16 of
 * salts and checksum, a page. */
uint64_t sd_node_digest(const sd_node *node, sdisk_kind kind, uint64_t digest) {
    const uint8_t *bytes = node->now.bytes;
    int64_t size = node->now.size;
    digest = digest_bytes(digest, (const uint8_t *)&size, 8);
    if (kind == SDISK_JOURNAL) return digest;
    if (kind != SDISK_WAL) return digest_bytes(digest, bytes, size);
    int64_t page = page_size(node);
    digest = digest_bytes(digest, bytes, size < 16 ? size : 16);
    for (int64_t frame = 32; frame < size; frame += 24 + page) {
        int64_t left = size - frame;
        digest = digest_bytes(digest, bytes + frame, left < 8 ? left : 8);
        left -= 24;
        if (left > 0) digest = digest_bytes(digest, bytes + frame + 24, left < page ? left : page);
    }
    return digest;
}
