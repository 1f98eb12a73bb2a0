// A program that works alone on memory that it shares with threads later: buffers that the library fills, lists, structures that are read in parts, blocks that
// grow, mappings. Then threads work on the same, without a lock.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
enum { ITEMS = 200, THREADS = 3, SIZE = 4096 };
struct item {
  struct item *next;
  char text[24];
  struct {
    int low, high;
  } range;
  long read;
};
static struct item *items;
static char global[SIZE], *heap, *mapped, *line;
static size_t room;
static int numbers[3], checks;
static char *copies[ITEMS];

static unsigned long sum(const char *p, size_t n) {
  unsigned long h = 5381;
  for (size_t i = 0; i < n; i++) h = h * 33 + (unsigned char)p[i];
  return h;
}

static unsigned long look(void) {
  unsigned long h = sum(global, SIZE) ^ sum(heap, SIZE) ^ sum(mapped, SIZE);
  struct item copy;
  for (struct item *i = items; i; i = i->next) {
    memcpy(&copy, i, sizeof copy);
    h = h * 31 + copy.range.low + copy.range.high + (unsigned long)copy.read + strlen(i->text);
  }
  for (int i = 0; i < ITEMS; i++) h += copies[i] ? sum(copies[i], strlen(copies[i])) : 0;
  return h + line[0] + room + numbers[0] + numbers[1] * 3 + numbers[2] * 7;
}

static void fill(FILE *f) {
  struct iovec parts[3] = {{global, 100}, {heap + 50, 300}, {mapped + 7, 90}};
  int pair[2];
  char name[24];
  rewind(f);
  if (readv(fileno(f), parts, 3) != 490) exit(2);
  if (pread(fileno(f), heap + 1000, 500, 17) != 500) exit(3);
  rewind(f);
  if (fread(global + 200, 1, 333, f) != 333 || !fgets(global + 600, 64, f)) exit(4);
  if (getline(&line, &room, f) < 1) exit(5);
  if (sscanf(line, "%d %d %d", &numbers[0], &numbers[1], &numbers[2]) != 3) exit(6);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) exit(7);
  if (write(pair[1], global, 64) != 64) exit(8);
  struct iovec one = {mapped + 2000, 64};
  struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1};
  if (recvmsg(pair[0], &message, 0) != 64) exit(9);
  close(pair[0]);
  close(pair[1]);
  for (int i = 0; i < ITEMS; i++) {
    struct item *new = i % 2 ? calloc(1, sizeof *new) : malloc(sizeof *new);
    memset(new, 0, sizeof *new);
    new->next = items;
    items = new;
    snprintf(new->text, sizeof new->text, "%d %s", i, line);
    if (pread(fileno(f), &new->range, sizeof new->range, i) != sizeof new->range) exit(10);
    if (pread(fileno(f), &new->read, sizeof new->read, 2 * i) != sizeof new->read) exit(11);
    copies[i] = strdup(new->text);
    copies[i] = realloc(copies[i], 40 + i);
    memmove(copies[i] + 1, copies[i], strlen(copies[i]) + 1);
    if (i % 3 == 0) {
      free(copies[i]);
      copies[i] = NULL;
    }
  }
  heap = realloc(heap, 3 * SIZE);
  snprintf(name, sizeof name, "%d", numbers[2]);
  strcat(strcpy(global + 1000, name), line);
}

static void *work(void *which) {
  for (int round = 0; round < 20; round++) {
    for (struct item *i = items; i; i = i->next) {
      i->range.low++;
      i->read += (long)which;
      i->text[1] = (char)('a' + round);
    }
    global[(round * 7 + (long)which) % SIZE]++;
    heap[(round * 11 + (long)which) % SIZE]++;
    mapped[round]++;
    numbers[0]++;
    copies[round + (long)which * 20] = items->text;
    line[0] = (char)round;
    checks += look() % 3 == 0;
  }
  return NULL;
}

int main(void) {
  FILE *f = tmpfile();
  pthread_t threads[THREADS];
  if (!f) return 1;
  for (int i = 0; i < 400; i++) fprintf(f, "%d %d %d is line %d\n", i, i * i, -i, i);
  fflush(f);
  heap = calloc(1, SIZE);
  mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  fill(f);
  printf("alone %lu %s", look(), line);
  fflush(stdout);
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)i);
  unsigned long seen = 0;
  for (int i = 0; i < 10; i++) seen += look();
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  printf("with threads %lu %lu %d\n", seen, look(), checks);
  if (pread(fileno(f), heap, 200, 3) != 200 || pread(fileno(f), &items->range, 8, 9) != 8) return 3;
  printf("after that %lu\n", look());
  return 0;
}
