; A call that runs natively unless its argument is the environment's; a length from arguments.
; site: f 0 {"do":"call","callee":"memchr","how":"checked","pointers":[0],"ret":{"as":"log"}}
; site: f 1 {"do":"call","callee":"frob","how":"always","ret":{"as":"none"},"writes":[{"arg":0,"len":{"min":[{"mul":[{"arg":1},{"const":8}]},{"mem32":2}]}}]}
; has: icmp uge i64
; has: @llvm.umin.i64|icmp ult
; has: call void @__itarget_bytes(ptr
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
declare ptr @memchr(ptr, i32, i64)
declare void @frob(ptr, i64, ptr)
define ptr @f(ptr %p, i64 %n, ptr %len) {
  %r = call ptr @memchr(ptr %p, i32 10, i64 %n)
  call void @frob(ptr %p, i64 %n, ptr %len)
  ret ptr %r
}
define i32 @main() {
  ret i32 0
}
