; What was just loaded or stored is not loaded again, and not logged again; a loop that may wait for another thread loads in each round.
; site: f 0 {"do":"load","how":"always"}
; site: f 1 {"do":"load","how":"always"}
; site: f 3 {"do":"load","how":"checked"}
; site: wait 0 {"do":"load","how":"always"}
; site: wait 1 {"do":"load","how":"always"}
; has: call i64 @__itarget_ld(ptr %p, i32 4, i32 0)
; has: call i64 @__itarget_ld(ptr %p, i32 4, i32 3)
; has: call i64 @__itarget_ld(ptr %p, i32 4, i32 4)
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
define i32 @f(ptr %p, ptr %q) {
  %a = load i32, ptr %p
  %b = load i32, ptr %p
  store i32 %b, ptr %q
  %c = load i32, ptr %q
  %s = add i32 %a, %c
  ret i32 %s
}
define i32 @wait(ptr %p) {
  %a = load i32, ptr %p
  br label %again
again:
  %b = load i32, ptr %p
  %same = icmp eq i32 %a, %b
  br i1 %same, label %again, label %done
done:
  ret i32 %b
}
define i32 @main() {
  ret i32 0
}
