//! Loading, linking and preparing LLVM bitcode, and its conversion to the model. The only place
//! that sees LLVM.
