#define _GNU_SOURCE
#include "CPacketSocket.h"

#include <errno.h>

#ifdef __linux__
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

int cps_enter_namespace(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    int result = setns(file, CLONE_NEWNET) == 0 ? 0 : -errno;
    close(file);
    return result;
}

int cps_open(void) {
    // Protocol 0 takes nothing: what is to be taken is said by bind.
    int socket_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return socket_ < 0 ? -errno : socket_;
}

int cps_attach_filter(int socket, const struct cps_instruction *instructions, uint16_t count) {
    _Static_assert(sizeof(struct cps_instruction) == sizeof(struct sock_filter), "same layout");
    _Static_assert(offsetof(struct cps_instruction, operand) == offsetof(struct sock_filter, k),
                   "same layout");
    struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)instructions};
    return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0
               ? 0
               : -errno;
}

static int fill(struct ifreq *request, const char *name) {
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof request->ifr_name) return -EINVAL;
    memset(request, 0, sizeof *request);
    memcpy(request->ifr_name, name, length);
    return 0;
}

int cps_interface(int socket, const char *name, int *index, uint16_t *type) {
    struct ifreq request;
    int result = fill(&request, name);
    if (result != 0) return result;
    if (ioctl(socket, SIOCGIFINDEX, &request) != 0) return -errno;
    *index = request.ifr_ifindex;
    if (ioctl(socket, SIOCGIFHWADDR, &request) != 0) return -errno;
    *type = request.ifr_hwaddr.sa_family;
    return 0;
}

int cps_configure(int socket, int buffer_bytes) {
    int on = 1;
    if (setsockopt(socket, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) != 0) return -errno;
    if (setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) return -errno;
    // A smaller buffer loses packets sooner, and they are counted.
    if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) != 0)
        (void)setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    return 0;
}

int cps_bind(int socket, int index) {
    struct sockaddr_ll address;
    memset(&address, 0, sizeof address);
    address.sll_family = AF_PACKET;
    address.sll_protocol = (uint16_t)(ETH_P_ALL << 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    address.sll_protocol = ETH_P_ALL;
#endif
    address.sll_ifindex = index;
    return bind(socket, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : -errno;
}

int cps_receive(int socket, void *buffer, size_t size, struct cps_packet *packet) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata)) + CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct sockaddr_ll from;
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    memset(&from, 0, sizeof from);
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t count;
    do {
        count = recvmsg(socket, &message, MSG_TRUNC | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    memset(packet, 0, sizeof *packet);
    packet->kept = (size_t)count < size ? (uint32_t)count : (uint32_t)size;
    packet->length = (uint32_t)count;
    packet->is_outgoing = from.sll_pkttype == PACKET_OUTGOING;
    for (struct cmsghdr *next = CMSG_FIRSTHDR(&message); next != NULL;
         next = CMSG_NXTHDR(&message, next)) {
        if (next->cmsg_level == SOL_PACKET && next->cmsg_type == PACKET_AUXDATA) {
            struct tpacket_auxdata data;
            memcpy(&data, CMSG_DATA(next), sizeof data);
            packet->length = data.tp_len;
            if ((data.tp_status & TP_STATUS_VLAN_VALID) != 0) {
                packet->has_tag = 1;
                packet->tag = data.tp_vlan_tci;
                packet->tag_protocol = (data.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0
                                           ? data.tp_vlan_tpid
                                           : ETH_P_8021Q;
            }
        } else if (next->cmsg_level == SOL_SOCKET && next->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(next), sizeof time);
            packet->nanoseconds = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
        }
    }
    return 0;
}

int cps_drops(int socket, uint32_t *drops) {
    struct tpacket_stats statistics;
    socklen_t size = sizeof statistics;
    if (getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) != 0) return -errno;
    *drops = statistics.tp_drops;
    return 0;
}

int cps_wait(int socket, int waker, int milliseconds) {
    struct pollfd files[2] = {{.fd = socket, .events = POLLIN}, {.fd = waker, .events = POLLIN}};
    int count = poll(files, 2, milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    return (files[0].revents != 0 ? 1 : 0) | (files[1].revents != 0 ? 2 : 0);
}

int cps_make_waker(void) {
    int file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return file < 0 ? -errno : file;
}

int cps_wake(int waker) {
    uint64_t one = 1;
    return write(waker, &one, sizeof one) == (ssize_t)sizeof one ? 0 : -errno;
}

#else

int cps_enter_namespace(const char *path) { return (void)path, -ENOSYS; }
int cps_open(void) { return -ENOSYS; }
int cps_attach_filter(int socket, const struct cps_instruction *instructions, uint16_t count) {
    return (void)socket, (void)instructions, (void)count, -ENOSYS;
}
int cps_interface(int socket, const char *name, int *index, uint16_t *type) {
    return (void)socket, (void)name, (void)index, (void)type, -ENOSYS;
}
int cps_configure(int socket, int buffer_bytes) {
    return (void)socket, (void)buffer_bytes, -ENOSYS;
}
int cps_bind(int socket, int index) { return (void)socket, (void)index, -ENOSYS; }
int cps_receive(int socket, void *buffer, size_t size, struct cps_packet *packet) {
    return (void)socket, (void)buffer, (void)size, (void)packet, -ENOSYS;
}
int cps_drops(int socket, uint32_t *drops) { return (void)socket, (void)drops, -ENOSYS; }
int cps_wait(int socket, int waker, int milliseconds) {
    return (void)socket, (void)waker, (void)milliseconds, -ENOSYS;
}
int cps_make_waker(void) { return -ENOSYS; }
int cps_wake(int waker) { return (void)waker, -ENOSYS; }

#endif
