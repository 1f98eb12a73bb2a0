// A thread of the library's calls a function of the program that does nothing but write memory. Nothing of that would be in a recording, so it ends there.
#include <aio.h>
#include <fcntl.h>
#ifdef THREADS
#include <pthread.h>
#endif
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static volatile int done;
static int *count;
static void finished(union sigval value) {
  *count += value.sival_int;
  done++;
}
#ifdef THREADS
static void *never(void *unused) {
  ++*count;
  return unused;
}
#endif
int main(int argc, char **argv) {
  char name[] = "/tmp/itarget-calls-back-XXXXXX", text[20];
  int fd = mkstemp(name), seen = 0;
  struct aiocb request;
  union sigval first = {.sival_int = 3};
  (void)argc, (void)argv;
  if (fd < 0 || write(fd, "something", 9) != 9) return 1;
  unlink(name);
  count = calloc(1, sizeof *count);
  finished(first);
  memset(&request, 0, sizeof request);
  request.aio_fildes = fd;
  request.aio_buf = text;
  request.aio_nbytes = sizeof text;
  request.aio_sigevent.sigev_notify = SIGEV_THREAD;
  request.aio_sigevent.sigev_notify_function = finished;
  request.aio_sigevent.sigev_value.sival_int = 5;
  if (aio_read(&request) != 0) return 2;
  for (int i = 0; i < 2000 && done < 2; i++) {
    seen += *count;
    usleep(1000);
  }
#ifdef THREADS
  if (argc > 9) {
    pthread_t thread;
    pthread_create(&thread, NULL, never, NULL);
    pthread_join(thread, NULL);
  }
#endif
  printf("%d %d %d\n", done, *count, seen);
  return 0;
}
