// poll, ppoll, select and pselect over pipes that several threads write.
//# varies: output
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>
enum { PIPES = 3, BYTES = 24 };
static int p[PIPES][2];
static void *work(void *arg) {
  long me = (long)arg;
  for (int i = 0; i < BYTES; i++) {
    char c = (char)(i % 2 ? 'a' + me : 'A' + me);
    if (write(p[me][1], &c, 1) != 1) break;
    if (i % 8 == 0) usleep(100);
  }
  close(p[me][1]);
  return NULL;
}
int main(void) {
  pthread_t t[PIPES];
  char order[PIPES * BYTES + 1];
  int used = 0, open_ = PIPES, live[PIPES] = {1, 1, 1}, rounds = 0;
  struct timespec second = {1, 0};
  sigset_t none;
  sigemptyset(&none);
  for (int i = 0; i < PIPES; i++) if (pipe(p[i]) != 0) return 1;
  for (long i = 0; i < PIPES; i++) pthread_create(&t[i], NULL, work, (void *)i);
  while (open_ > 0) {
    int ready[PIPES] = {0}, n = 0;
    if (rounds % 4 < 2) {
      struct pollfd f[PIPES];
      for (int i = 0; i < PIPES; i++) { f[i].fd = live[i] ? p[i][0] : -1; f[i].events = POLLIN; }
      n = rounds % 4 == 0 ? poll(f, PIPES, 1000) : ppoll(f, PIPES, &second, &none);
      for (int i = 0; i < PIPES; i++) ready[i] = live[i] && f[i].revents != 0;
    } else {
      fd_set set;
      struct timeval limit = {1, 0};
      FD_ZERO(&set);
      for (int i = 0; i < PIPES; i++) if (live[i]) FD_SET(p[i][0], &set);
      n = rounds % 4 == 2 ? select(p[PIPES - 1][1] + 1, &set, NULL, NULL, &limit) : pselect(p[PIPES - 1][1] + 1, &set, NULL, NULL, &second, &none);
      for (int i = 0; i < PIPES; i++) ready[i] = live[i] && FD_ISSET(p[i][0], &set);
    }
    if (n <= 0) break;
    for (int i = 0; i < PIPES; i++) {
      if (!ready[i]) continue;
      ssize_t r = read(p[i][0], order + used, 2);
      if (r <= 0) { live[i] = 0; open_--; }
      else used += (int)r;
    }
    rounds++;
  }
  order[used] = 0;
  for (int i = 0; i < PIPES; i++) pthread_join(t[i], NULL);
  printf("%s %d\n", order, used);
  return 0;
}
