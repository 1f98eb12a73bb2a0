// forkpty: children with a terminal of their own, one that talks to its parent and one that becomes another program.
//# processes: 3
//# child: 2 exec
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int all_of(int from, char *text, int room) {
  int used = 0, n;
  while (used < room - 1 && (n = (int)read(from, text + used, (size_t)(room - 1 - used))) > 0) used += n;
  text[used] = 0;
  return used;
}

static void report(const char *who, int end, pid_t child) {
  char text[1000];
  int status, n = all_of(end, text, sizeof text);
  for (int i = 0; i < n; i++) {
    if (text[i] == '\r' || text[i] == '\n') text[i] = '.';
  }
  if (waitpid(child, &status, 0) != child) exit(2);
  printf("%s: %s (%d)\n", who, text, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  close(end);
}

int main(void) {
  struct winsize size = {.ws_row = 33, .ws_col = 77}, seen;
  char name[100] = "";
  int end;
  pid_t child = forkpty(&end, name, NULL, &size);
  if (child < 0) return 1;
  if (child == 0) {
    char line[40];
    struct termios modes;
    if (tcgetattr(0, &modes) != 0 || ioctl(1, TIOCGWINSZ, &seen) != 0) return 3;
    printf("%d by %d, echo %s, a session %d\n", seen.ws_row, seen.ws_col, modes.c_lflag & ECHO ? "on" : "off", getsid(0) == getpid());
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) return 4;
    printf("heard %s", line);
    return 5;
  }
  // What it says comes first, then what the terminal shows of what is written to it.
  for (char c = 0; c != '\n';) {
    if (read(end, &c, 1) != 1) return 7;
    if (c != '\r') putchar(c);
  }
  if (write(end, "something\n", 10) != 10) return 6;
  report("the first", end, child);
  child = forkpty(&end, NULL, NULL, NULL);
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", "test -t 0 && test -t 1 && echo on a terminal", (char *)NULL);
    _exit(127);
  }
  report("the second", end, child);
  printf("%d\n", strncmp(name, "/dev/pts/", 9));
  return 0;
}
