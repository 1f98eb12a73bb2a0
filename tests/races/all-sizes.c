// Values of every size, aligned and not, also across multiples of 64 KiB, that one thread writes while another reads them: long runs
// of what stays as it was, of what changes each time, and both in turn; what the reader wrote there itself, whole vectors of it, too.
//# varies: output
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
enum { FAR = 65536, ROUNDS = 900 };
struct __attribute__((packed)) packed {
  uint8_t one;
  uint64_t eight;
  uint16_t two;
  uint32_t four;
  float single;
  double twice;
  const char *text;
};
static unsigned char cells[4 * FAR];
static long own[64], both[64];
static int started, ended;
static const char *const words[] = {"none", "some", "all"};

static struct packed *at(unsigned offset) {
  uintptr_t first = ((uintptr_t)cells + FAR) & ~(uintptr_t)(FAR - 1);
  return (struct packed *)(first + offset);
}

__attribute__((noinline)) static uint64_t look(const struct packed *p) {
  uint64_t sum = p->one;
  sum = sum * 31 + p->two;
  sum = sum * 31 + p->four;
  sum = sum * 31 + p->eight;
  sum = sum * 31 + (uint64_t)(int64_t)p->single;
  return sum * 31 + (uint64_t)(int64_t)p->twice;
}

__attribute__((noinline)) static uint64_t read_text(const struct packed *p) { return (unsigned char)p->text[0]; }

static void *writer(void *arg) {
  (void)arg;
  __atomic_store_n(&started, 1, __ATOMIC_RELEASE);
  for (unsigned round = 0; !__atomic_load_n(&ended, __ATOMIC_ACQUIRE); round++) {
    for (unsigned i = 0; i < 40; i++) {
      struct packed *p = at(FAR - 36 + i);
      // Some stay as they are for long, others never do.
      if (i % 8 == round % 64) {
        p->one = (uint8_t)round;
        p->two = (uint16_t)(round * 7);
        p->four = round * 0x01010101U;
        p->eight = round * 0x0101010101010101ULL;
        p->single = (float)round;
        p->twice = round / 3.0;
      }
    }
    at(64)->text = words[round % 3];
    both[round % 64] = round;
  }
  return NULL;
}

__attribute__((noinline)) static void fill(long *to, long value) {
  for (int i = 0; i < 64; i++) to[i] = value + i;
}

int main(void) {
  pthread_t t;
  uint64_t sum = 0;
  struct timespec now;
  char text[100];
  int pipes[2];
  if (pipe(pipes)) return 1;
  for (int i = 0; i < 3; i++) at(64 + 64 * i)->text = words[i];
  pthread_create(&t, NULL, writer, NULL);
  while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE)) {}
  for (int round = 0; round < ROUNDS; round++) {
    for (unsigned i = 0; i < 40; i++) {
      // What the writer is at, then what nobody changes: runs of both kinds, longer than one count of them.
      if (i % 8 == 0 && round % 2) sum = sum * 31 + look(at(FAR - 36 + i));
      if (round % 3) sum = sum * 31 + look(at(2 * FAR - 60 + i));
    }
    sum = sum * 31 + look(at(64)) + read_text(at(64));
    // What a call wrote there is the thread's to see, too.
    for (unsigned i = 0; i < sizeof text; i++) text[i] = (char)(round * 3 + i);
    if (write(pipes[1], text, sizeof text) == sizeof text && read(pipes[0], at(FAR - 50), 100) == 100) sum = sum * 31 + look(at(FAR - 20));
    fill(round % 2 ? own : both, round);
    for (int i = 0; i < 64; i++) sum = sum * 31 + (uint64_t)(own[i] + both[63 - i]);
    // Other entries of the log in between, so that a chunk of it ends with any of them.
    clock_gettime(CLOCK_MONOTONIC, &now);
    sum = sum * 31 + (uint64_t)now.tv_nsec;
    if (round % 50 == 0) printf("%d %llx\n", round, (unsigned long long)sum);
  }
  __atomic_store_n(&ended, 1, __ATOMIC_RELEASE);
  pthread_join(t, NULL);
  printf("%llx\n", (unsigned long long)sum);
  return 0;
}
