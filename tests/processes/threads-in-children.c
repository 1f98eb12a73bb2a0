// Children of a process without threads start threads of their own.
//# processes: 3
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[64];
static int used;
static void *work(void *arg) {
  for (int i = 0; i < 10; i++) {
    pthread_mutex_lock(&lock);
    order[used++] = (char)('a' + (long)arg);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}
int main(void) {
  for (int i = 0; i < 2; i++) {
    int p[2];
    if (pipe(p) != 0) return 1;
    if (fork() == 0) {
      pthread_t t[3];
      for (long k = 0; k < 3; k++) pthread_create(&t[k], NULL, work, (void *)k);
      for (int k = 0; k < 3; k++) pthread_join(t[k], NULL);
      if (write(p[1], order, (size_t)used) != used) _exit(1);
      _exit(0);
    }
    close(p[1]);
    char text[64];
    ssize_t n = read(p[0], text, sizeof text);
    wait(NULL);
    printf("%.*s\n", (int)n, text);
    close(p[0]);
  }
  return 0;
}
