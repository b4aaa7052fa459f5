// SPDX-License-Identifier: MIT
// The peer's whole user space: sends and receives frames of its virtio network controller by a packet socket,
// as user/apps/net_speed.cpp does through a channel.
#include "linux.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static unsigned char me[6], host[6];
static const unsigned char my_ip[4] = {10, 0, 2, 15}, host_ip[4] = {10, 0, 2, 2};
static int packets;

static size_t header(unsigned char* frame, const unsigned char* to, unsigned type) {
  memcpy(frame, to, 6);
  memcpy(frame + 6, me, 6);
  frame[12] = (unsigned char)(type >> 8);
  frame[13] = (unsigned char)type;
  return 14;
}

static void sum(unsigned char* at, const unsigned char* from, size_t bytes) {
  uint32_t total = 0;
  for (size_t i = 0; i < bytes; i += 2) total += from[i] << 8u | from[i + 1];
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  at[0] = (unsigned char)(~total >> 8);
  at[1] = (unsigned char)~total;
}

static size_t echo_request(unsigned char* frame, unsigned data) {
  const unsigned char ip[] = {
      0x45, 0, (unsigned char)((28 + data) >> 8), (unsigned char)(28 + data), 0, 1, 0, 0, 64, 1, 0, 0};
  header(frame, host, ETH_P_IP);
  memcpy(frame + 14, ip, sizeof ip);
  memcpy(frame + 26, my_ip, 4);
  memcpy(frame + 30, host_ip, 4);
  sum(frame + 24, frame + 14, 20);
  memset(frame + 34, 0, 8 + data);
  frame[34] = 8;
  sum(frame + 36, frame + 34, 8 + data);
  return 42 + data;
}

static int is_echo(const unsigned char* frame) {
  return frame[12] == 8 && frame[13] == 0 && memcmp(frame + 26, host_ip, 4) == 0 && frame[34] == 0;
}

static void echoes(const char* name, unsigned data, int count, int window) {
  unsigned char request[1514], reply[1514];
  const size_t bytes = echo_request(request, data);
  const uint64_t begin = now();
  for (int sent = 0, answered = 0; answered < count;) {
    for (; sent < count && sent - answered < window; ++sent) send(packets, request, bytes, 0);
    if (recv(packets, reply, sizeof reply, 0) > 42 && is_echo(reply)) ++answered;
  }
  printf("%s %llu\n", name, (unsigned long long)((now() - begin) / (unsigned)count));
}

int main(void) {
  static const char* const modules[] = {"virtio_ring",           "virtio",     "virtio_pci_legacy_dev",
                                        "virtio_pci_modern_dev", "virtio_pci", "failover",
                                        "net_failover",          "virtio_net"};
  load_modules(modules, sizeof modules / sizeof *modules);
  struct ifreq name = {.ifr_name = "eth0"};
  packets = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  for (int tries = 0; tries < 1000 && ioctl(packets, SIOCGIFHWADDR, &name) != 0; ++tries) usleep(10000);
  memcpy(me, name.ifr_hwaddr.sa_data, 6);
  name.ifr_flags = IFF_UP;
  ioctl(packets, SIOCSIFFLAGS, &name);
  ioctl(packets, SIOCGIFINDEX, &name);
  const struct sockaddr_ll place = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = name.ifr_ifindex};
  const int off = 1;
  setsockopt(packets, SOL_PACKET, PACKET_IGNORE_OUTGOING, &off, sizeof off);
  if (bind(packets, (const struct sockaddr*)&place, sizeof place) != 0) return power_off();

  static const unsigned char all[6] = {255, 255, 255, 255, 255, 255}, arp[] = {0, 1, 8, 0, 6, 4, 0, 1};
  unsigned char frame[1514] = {0};
  header(frame, all, ETH_P_ARP);
  memcpy(frame + 14, arp, sizeof arp);
  memcpy(frame + 22, me, 6);
  memcpy(frame + 28, my_ip, 4);
  memcpy(frame + 38, host_ip, 4);
  send(packets, frame, 42, 0);
  do recv(packets, frame, sizeof frame, 0);
  while (frame[12] != 8 || frame[13] != 6 || frame[21] != 2);
  memcpy(host, frame + 22, 6);

  echoes("echo_64", 22, 3000, 1);
  echoes("echo_1514", 1472, 6000, 16);
  enum { kFrames = 20000, kExperiment = 0x88b5 };
  memset(frame, 0, sizeof frame);
  header(frame, host, kExperiment);
  const uint64_t begin = now();
  for (int i = 0; i < kFrames; ++i) send(packets, frame, sizeof frame, 0);
  printf("send_1514 %llu\n", (unsigned long long)((now() - begin) / kFrames));
  return power_off();
}
