; The program's own main runs on the recorded stack, after its constructors.
; whole
; has: call i32 @__itarget_start(i32 %0, ptr %1, ptr %2, ptr @itarget.run)
; has: @__itarget_abi_v15
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
@seen = global i32 0
@constant = constant i32 5
@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 65535, ptr @early, ptr null }]
define internal void @early() {
  store i32 1, ptr @seen
  ret void
}
define i32 @main(i32 %argc, ptr %argv) {
  %v = load i32, ptr @seen
  ret i32 %v
}
