#ifndef CPACKETSOCKET_H
#define CPACKETSOCKET_H
#include <stddef.h>
#include <stdint.h>

// Packets of interfaces by AF_PACKET (packet(7)), for what Swift cannot import. Functions return
// 0 or a count, and -errno where they fail; where there is no AF_PACKET, -ENOSYS.

/// One instruction of a filter (struct sock_filter).
struct cps_instruction {
    uint16_t code;
    uint8_t jump_true;
    uint8_t jump_false;
    uint32_t operand;
};

/// What the kernel says of a packet besides its bytes.
struct cps_packet {
    /// Bytes in the buffer, after the filter cut the packet.
    uint32_t kept;
    /// Bytes on the link.
    uint32_t length;
    int64_t nanoseconds;
    uint8_t is_outgoing;
    /// Whether the kernel took a VLAN tag out of the frame, and which.
    uint8_t has_tag;
    uint16_t tag_protocol;
    uint16_t tag;
};

/// Moves the calling thread into the network namespace that the file is.
int cps_enter_namespace(const char *path);

/// A packet socket that no packet reaches before it is bound.
int cps_open(void);

int cps_attach_filter(int socket, const struct cps_instruction *instructions, uint16_t count);

/// The index, and the hardware type (ARPHRD_*), of the interface of the socket's namespace.
int cps_interface(int socket, const char *name, int *index, uint16_t *type);

/// Asks for tags, times and a large buffer.
int cps_configure(int socket, int buffer_bytes);

int cps_bind(int socket, int index);

/// The next packet without waiting; -EAGAIN when there is none.
int cps_receive(int socket, void *buffer, size_t size, struct cps_packet *packet);

/// Packets lost for want of room since it was last asked.
int cps_drops(int socket, uint32_t *drops);

/// Waits until the socket has something or the other descriptor is readable; bit 0 and bit 1 say
/// which.
int cps_wait(int socket, int waker, int milliseconds);

int cps_make_waker(void);
int cps_wake(int waker);
#endif
