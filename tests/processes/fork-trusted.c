// The main thread forks beside others where nothing that may race is logged: the children are not recorded, which one of them says. It says nothing
// where the program has led stderr to somebody else.
//# races: trust
//# children: unrecorded
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static sem_t go;
static void *waits(void *arg) {
  (void)arg;
  while (sem_wait(&go) != 0) ;
  return NULL;
}
/* Status and what comes on stderr, which a pipe takes. */
static int child(int status, int *bytes) {
  char text[600];
  int p[2], kept = bytes == NULL ? -1 : dup(2), s = 0;
  if (bytes != NULL && (pipe(p) != 0 || dup2(p[1], 2) < 0)) return -1;
  pid_t pid = fork();
  if (pid == 0) {
    char *own = malloc(1000);
    for (int i = 0; i < 1000; i++) own[i] = (char)i;
    _exit(status + (own[3] == 3));
  }
  if (bytes != NULL) {
    dup2(kept, 2);
    close(kept);
    close(p[1]);
    *bytes = (int)read(p[0], text, sizeof text);
    close(p[0]);
  }
  waitpid(pid, &s, 0);
  return WEXITSTATUS(s);
}
int main(void) {
  pthread_t t;
  int bytes = -1;
  sem_init(&go, 0, 0);
  pthread_create(&t, NULL, waits, NULL);
  int first = child(3, &bytes);
  printf("%d, %d bytes\n", first, bytes);
  for (int i = 0; i < 3; i++) printf("%d\n", child(10 * i, NULL));
  sem_post(&go);
  pthread_join(t, NULL);
  return 0;
}
