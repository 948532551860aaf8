// The pod's link for floor: two batches of rtnetlink messages, as in src/linux/netlink/batch.ts.
#define _GNU_SOURCE
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define POD_INDEX 1000
static const unsigned char mac_host[6] = {6, 0x70, 0, 0, 0, 1}, mac_pod[6] = {2, 0x70, 0, 0, 0, 2};

static char batch[4096];
static struct nlmsghdr *last;
static int size, count;

static void message(int type, int flags, const void *body, int length)
{
    last = (struct nlmsghdr *)(batch + size);
    *last = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(length), .nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST | NLM_F_ACK, .nlmsg_seq = ++count};
    memcpy(NLMSG_DATA(last), body, length);
    size += NLMSG_SPACE(length);
}

static struct rtattr *put(int type, const void *data, int length)
{
    struct rtattr *attribute = (void *)(batch + size);
    *attribute = (struct rtattr){.rta_type = type, .rta_len = RTA_LENGTH(length)};
    if (length) memcpy(RTA_DATA(attribute), data, length);
    size += RTA_SPACE(length);
    last->nlmsg_len = batch + size - (char *)last;
    return attribute;
}

static void close_nest(struct rtattr *attribute) { attribute->rta_len = batch + size - (char *)attribute; }

// Sends what was put together, and reads an acknowledgement for each message.
static void talk(int socket)
{
    char reply[8192];
    MUST(send(socket, batch, size, 0));
    while (count > 0) {
        unsigned length = MUST(recv(socket, reply, sizeof reply, 0));
        for (struct nlmsghdr *head = (void *)reply; NLMSG_OK(head, length); head = NLMSG_NEXT(head, length), count--) {
            const struct nlmsgerr *answer = NLMSG_DATA(head);
            if (answer->error) errno = -answer->error, die(__FILE__, __LINE__, text("netlink message type %d", answer->msg.nlmsg_type));
        }
    }
    size = 0;
}

int route_socket(void) { return MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)); }

static struct in_addr address4(int number) { return (struct in_addr){htonl(0x0a4e0002 + number)}; }
static struct in6_addr address6(int number) { return (struct in6_addr){.s6_addr = {0xfd, 0x4e, [13] = number >> 16, [14] = number >> 8, [15] = number}}; }
static const struct in6_addr gateway6 = {.s6_addr = {0xfe, 0x80, [15] = 1}};

static void link_up(int index)
{
    struct ifinfomsg up = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    message(RTM_NEWLINK, 0, &up, sizeof up);
}

static void address(int family, const void *ip, int length)
{
    struct ifaddrmsg body = {.ifa_family = family, .ifa_prefixlen = length * 8, .ifa_index = POD_INDEX, .ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0};
    message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    put(IFA_LOCAL, ip, length), put(IFA_ADDRESS, ip, length);
}

static void route(int family, int index, const void *to, const void *via, int length)
{
    struct rtmsg body = {.rtm_family = family, .rtm_dst_len = to ? length * 8 : 0, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT,
                         .rtm_scope = via || family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK, .rtm_type = RTN_UNICAST, .rtm_flags = via ? RTNH_F_ONLINK : 0};
    message(RTM_NEWROUTE, NLM_F_CREATE, &body, sizeof body);
    if (to) put(RTA_DST, to, length);
    if (via) put(RTA_GATEWAY, via, length);
    put(RTA_OIF, &index, 4);
}

static void neighbour(int family, int index, const void *ip, int length, const unsigned char *mac)
{
    struct ndmsg body = {.ndm_family = family, .ndm_ifindex = index, .ndm_state = NUD_PERMANENT};
    message(RTM_NEWNEIGH, NLM_F_CREATE, &body, sizeof body);
    put(NDA_DST, ip, length), put(NDA_LLADDR, mac, 6);
}

// `host` was opened before the caller left the host's network namespace, and stays in it: no way back is needed.
void network_outside(int host, const char *link, int number)
{
    struct in_addr ip = address4(number);
    struct in6_addr ip6 = address6(number);
    int index = 100000 + getppid() % 30000 * 4096 + number;
    pid_t self = getpid();
    struct ifinfomsg up = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP}, peer = {.ifi_index = POD_INDEX};
    message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &up, sizeof up);
    put(IFLA_IFNAME, link, strlen(link) + 1), put(IFLA_ADDRESS, mac_host, 6);
    struct rtattr *info = put(IFLA_LINKINFO, 0, 0);
    put(IFLA_INFO_KIND, "veth", 4);
    struct rtattr *data = put(IFLA_INFO_DATA, 0, 0), *other = put(VETH_INFO_PEER, 0, 0);
    memcpy(batch + size, &peer, sizeof peer), size += sizeof peer;
    put(IFLA_IFNAME, "eth0", 5), put(IFLA_ADDRESS, mac_pod, 6), put(IFLA_NET_NS_PID, &self, 4);
    close_nest(other), close_nest(data), close_nest(info);
    route(AF_INET, index, &ip, 0, 4), route(AF_INET6, index, &ip6, 0, 16);
    neighbour(AF_INET, index, &ip, 4, mac_pod), neighbour(AF_INET6, index, &ip6, 16, mac_pod);
    talk(host);
}

void network_inside(int number)
{
    struct in_addr ip = address4(number), gateway = {htonl(0xa9fe0101)};
    struct in6_addr ip6 = address6(number);
    int socket = route_socket();
    link_up(1), link_up(POD_INDEX);
    address(AF_INET, &ip, 4), address(AF_INET6, &ip6, 16);
    neighbour(AF_INET, POD_INDEX, &gateway, 4, mac_host), neighbour(AF_INET6, POD_INDEX, &gateway6, 16, mac_host);
    route(AF_INET, POD_INDEX, 0, &gateway, 4), route(AF_INET6, POD_INDEX, 0, &gateway6, 16);
    talk(socket);
    close(socket);
}
