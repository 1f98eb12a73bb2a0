; An environment call whose result and written bytes are logged.
; site: f 0 {"do":"call","callee":"read","how":"always","ret":{"as":"log"},"writes":[{"arg":1,"len":"ret"}]}
; has: call i32 @__itarget_enter(i32 0)
; has: call i64 @__itarget_val(i64
; has: call void @__itarget_bytes(ptr
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
declare i64 @read(i32, ptr, i64)
define i64 @f(i32 %fd, ptr %to) {
  %n = call i64 @read(i32 %fd, ptr %to, i64 100)
  ret i64 %n
}
define i32 @main() {
  ret i32 0
}
