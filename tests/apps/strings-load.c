// strings-load PORT COUNT: COUNT commands on strings for a redis server on 127.0.0.1, one at a time and in batches, always the
// same ones; prints the replies and `COUNT requests`. Waits for the server to listen. Every wait has an end: 60 seconds in all.
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int server;
static char in[1 << 16];
static size_t have, at;
static char out[1 << 16];
static size_t pending;
static unsigned seed = 1;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static unsigned any(unsigned below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static int get(void) {
  if (at == have) {
    ssize_t n = read(server, in, sizeof in);
    if (n <= 0) fail("read");
    have = (size_t)n;
    at = 0;
  }
  return in[at++];
}

// Copies a line to stdout, without its end; its number, if it is one.
static long line(void) {
  char text[4096];
  size_t n = 0;
  for (int c; (c = get()) != '\n';)
    if (n < sizeof text - 1) text[n++] = (char)c;
  text[n && text[n - 1] == '\r' ? n - 1 : n] = 0;
  puts(text);
  return strtol(text + 1, NULL, 10);
}

static void reply(void) {
  int kind = get();
  at--;
  long n = line();
  if (kind == '*')
    while (n-- > 0) reply();
  else if (kind == '$' && n >= 0) {
    for (long i = 0; i < n; i++) putchar(get());
    line();
  }
}

static void flush_commands(void) {
  for (size_t sent = 0; sent < pending;) {
    ssize_t n = write(server, out + sent, pending - sent);
    if (n <= 0) fail("write");
    sent += (size_t)n;
  }
  pending = 0;
}

static void command(unsigned n) {
  char value[400];
  unsigned length = any(n % 50 == 0 ? 399 : 40);
  for (unsigned i = 0; i < length; i++) value[i] = (char)('a' + any(26));
  value[length] = 0;
  unsigned a = any(300), b = any(300);
  char *to = out + pending;
  size_t room = sizeof out - pending;
  int used;
  switch (any(14)) {
  case 0: case 1: used = snprintf(to, room, "SET key:%u \"%s\"\r\n", a, value); break;
  case 2: case 3: used = snprintf(to, room, "GET key:%u\r\n", a); break;
  case 4: used = snprintf(to, room, "APPEND key:%u \"%s\"\r\n", a, value); break;
  case 5: used = snprintf(to, room, "INCRBY count:%u %u\r\n", a % 40, b); break;
  case 6: used = snprintf(to, room, "SETRANGE key:%u %u \"%s\"\r\n", a, any(100), value); break;
  case 7: used = snprintf(to, room, "GETRANGE key:%u %u %u\r\n", a, any(50), any(300)); break;
  case 8: used = snprintf(to, room, "STRLEN key:%u\r\n", a); break;
  case 9: used = snprintf(to, room, "MSET key:%u \"%s\" key:%u %u\r\n", a, value, b, n); break;
  case 10: used = snprintf(to, room, "MGET key:%u key:%u count:%u\r\n", a, b, a % 40); break;
  case 11: used = snprintf(to, room, "GETSET key:%u \"%s\"\r\n", a, value); break;
  case 12: used = snprintf(to, room, "INCRBYFLOAT real:%u 0.5\r\n", a % 10); break;
  default: used = snprintf(to, room, "%s key:%u\r\n", any(2) ? "GETDEL" : "INCR", a); break;
  }
  pending += (size_t)used;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  alarm(60);
  signal(SIGPIPE, SIG_IGN);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (;;) {
    server = socket(AF_INET, SOCK_STREAM, 0);
    if (server < 0) fail("socket");
    if (!connect(server, (struct sockaddr *)&address, sizeof address)) break;
    if (errno != ECONNREFUSED) fail("connect");
    close(server);
    usleep(10000);
  }
  unsigned count = (unsigned)atoi(argv[2]);
  for (unsigned n = 0; n < count;) {
    unsigned batch = any(4) ? 1 : 1 + any(20);
    if (batch > count - n) batch = count - n;
    for (unsigned i = 0; i < batch; i++) command(n + i);
    flush_commands();
    for (unsigned i = 0; i < batch; i++) reply();
    n += batch;
  }
  printf("%u requests\n", count);
  return fflush(stdout) != 0;
}
