// Forbids itself to write into files, by a limit or by a filter of system calls, and goes on.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int forbid(const char *how) {
  if (!strcmp(how, "limit")) {
    struct rlimit r = { 1000, 1000 };
    return setrlimit(RLIMIT_FSIZE, &r);
  }
  struct sock_filter f[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    ALLOW(SYS_write), ALLOW(SYS_pread64), ALLOW(SYS_exit_group),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
  };
  struct sock_fprog p = { sizeof f / sizeof *f, f };
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p);
}

int main(int argc, char **argv) {
  char b[64];
  int times = argc > 2 ? atoi(argv[2]) : 0;
  unsigned sum = 0;
  FILE *from = fopen("/dev/urandom", "r");
  setvbuf(stdout, NULL, _IONBF, 0);
  int forbidden = forbid(argv[1]);
  for (int i = 0; i < times; i++) {
    pread(fileno(from), b, sizeof b, 0);
    for (int k = 0; k < (int)sizeof b; k++) sum = sum * 31 + b[k];
  }
  printf("%d %d\n", forbidden, sum != 1);
  return 6;
}
