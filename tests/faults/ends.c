// Ends in the way that its argument names, after a line that is not flushed and one that is.
#include <assert.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int *volatile nowhere;

static volatile sig_atomic_t told;

static void last(void) { puts("handler"); }

static void on_signal(int s) { told = s; }

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "";
  atexit(last);
  setvbuf(stdout, NULL, _IONBF, 0);
  printf("%s with time to spare: %d\n", how, getpid() > 0);
  if (!strcmp(how, "abort"))
    abort();
  if (!strcmp(how, "segv"))
    *nowhere = 1;
  if (!strcmp(how, "assert"))
    assert(!"reached");
  if (!strcmp(how, "divide"))
    raise(SIGFPE);
  if (!strcmp(how, "_exit"))
    _exit(9);
  if (!strcmp(how, "exit"))
    exit(300);
  if (!strcmp(how, "error"))
    error(4, EACCES, "can't go on with %s", how);
  if (!strcmp(how, "err"))
    err(5, "%s", how);
  if (!strcmp(how, "errx"))
    errx(6, "%s: %d", how, 1);
  if (!strcmp(how, "printed")) {
    // A text of the library, by a function whose output is not captured.
    DIR *d = opendir("/dev/fd");
    struct dirent *e = d ? readdir(d) : NULL;
    psignal(SIGUSR1, e ? e->d_name : strerror(0));
  }
  if (!strcmp(how, "term"))
    raise(SIGTERM);
  if (!strcmp(how, "kill"))
    kill(getpid(), SIGKILL);
  if (!strcmp(how, "wait")) {
    signal(SIGUSR1, on_signal);
    while (!told) {
    }
  }
  if (!strcmp(how, "exec")) {
    char *words[] = {"echo", "another program", NULL};
    execvp("echo", words);
    return 1;
  }
  if (!strcmp(how, "execl")) {
    execlp("echo", "echo", "another program", (char *)NULL);
    return 1;
  }
  if (!strcmp(how, "noexec")) {
    execlp("/nonexistent/program", "program", (char *)NULL);
    puts("still here");
  }
  if (!strcmp(how, "fork")) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
      _exit(6);
    int status = 0;
    waitpid(child, &status, 0);
    printf("child %d\n", WEXITSTATUS(status));
  }
  return 7;
}
