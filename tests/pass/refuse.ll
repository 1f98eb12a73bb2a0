; What can't be recorded ends the recording; a loop that waits is a safe point.
; site: f 0 {"do":"poll"}
; site: f 1 {"do":"refuse","reason":"`fork` can't be recorded yet"}
; has: call void @__itarget_poll(i32 0)
; has: call void @__itarget_refuse(i32 1)
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
declare i32 @fork()
define i32 @f(ptr %flag) {
  br label %again
again:
  %v = load volatile i32, ptr %flag
  %go = icmp eq i32 %v, 0
  br i1 %go, label %again, label %done
done:
  %pid = call i32 @fork()
  ret i32 %pid
}
define i32 @main() {
  ret i32 0
}
