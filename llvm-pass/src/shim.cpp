// What the C API of LLVM 19 lacks: pass registration and a few transformations.
// Everything that decides anything is in Rust.
#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/IR/ValueHandle.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Passes/PassPlugin.h"
#include "llvm/Support/CBindingWrapping.h"
#include "llvm/Transforms/IPO/AlwaysInliner.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

static_assert(LLVM_VERSION_MAJOR == 19, "built for LLVM 19");
static_assert(LLVM_PLUGIN_API_VERSION == 1, "plugin info struct of plugin.rs");

extern "C" {
// Returns nonzero when the module was changed. Defined in plugin.rs.
int itarget_run_on_module(LLVMModuleRef module);

struct ItargetPass : PassInfoMixin<ItargetPass> {
  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    return itarget_run_on_module(wrap(&M)) ? PreservedAnalyses::none()
                                           : PreservedAnalyses::all();
  }
  static bool isRequired() { return true; }
};

// The section lld takes bitcode from (--fat-lto-objects).
static const char BitcodeSection[] = ".llvm.lto";
// Set once this process runs a link: the pipelines it builds must not embed anything.
static bool Linking = false;

// Compilation: keeps the module as the frontend made it beside the native code. (clang's own
// fat objects hold optimised bitcode, and with -disable-llvm-passes none at all.)
struct EmbedPass : PassInfoMixin<EmbedPass> {
  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    if (Linking || M.getNamedGlobal("llvm.embedded.object"))
      return PreservedAnalyses::all();
    SmallVector<char, 0> Buffer;
    raw_svector_ostream OS(Buffer);
    WriteBitcodeToFile(M, OS, /*ShouldPreserveUseListOrder=*/false);
    embedBufferInModule(M, MemoryBufferRef(OS.str(), "itarget"), BitcodeSection);
    return PreservedAnalyses::none();
  }
  static bool isRequired() { return true; }
};

void itarget_register(void *builder) {
  PassBuilder &PB = *static_cast<PassBuilder *>(builder);
  PB.registerPipelineStartEPCallback(
      [](ModulePassManager &MPM, OptimizationLevel) { MPM.addPass(EmbedPass()); });
  // Whole program, merged and internalized, not optimised (see EmbedPass): instrument, then
  // give it the optimisation that its bitcode has not had.
  PB.registerFullLinkTimeOptimizationEarlyEPCallback(
      [&PB](ModulePassManager &MPM, OptimizationLevel Level) {
        Linking = true;
        // What nothing refers to is not there when the kept bitcode is linked again: it must not count
        // for the fingerprint of the module either.
        MPM.addPass(GlobalDCEPass());
        MPM.addPass(ItargetPass());
        MPM.addPass(AlwaysInlinerPass());
        if (Level != OptimizationLevel::O0)
          MPM.addPass(PB.buildLTOPreLinkDefaultPipeline(Level));
      });
  PB.registerPipelineParsingCallback(
      [](StringRef Name, ModulePassManager &MPM,
         ArrayRef<PassBuilder::PipelineElement>) {
        if (Name != "itarget")
          return false;
        MPM.addPass(ItargetPass());
        return true;
      });
}

// The first way of a branch is hardly ever gone.
void itarget_unlikely(LLVMValueRef branch) {
  Instruction *I = unwrap<Instruction>(branch);
  I->setMetadata(LLVMContext::MD_prof, MDBuilder(I->getContext()).createBranchWeights(1, 100000));
}

// Splits before `before`; the new then-block ends in a branch back. Returns that branch.
LLVMValueRef itarget_if_then(LLVMValueRef cond, LLVMValueRef before, int unlikely) {
  Instruction *I = unwrap<Instruction>(before);
  MDNode *W = unlikely ? MDBuilder(I->getContext()).createBranchWeights(1, 100000) : nullptr;
  return wrap(SplitBlockAndInsertIfThen(unwrap(cond), I->getIterator(), false, W));
}

// As above with two blocks; the terminators of then and else are stored.
void itarget_if_then_else(LLVMValueRef cond, LLVMValueRef before, int unlikely,
                          LLVMValueRef *then_end, LLVMValueRef *else_end) {
  Instruction *I = unwrap<Instruction>(before);
  MDNode *W = unlikely ? MDBuilder(I->getContext()).createBranchWeights(1, 100000) : nullptr;
  Instruction *T = nullptr, *E = nullptr;
  SplitBlockAndInsertIfThenElse(unwrap(cond), I->getIterator(), &T, &E, W);
  *then_end = wrap(T);
  *else_end = wrap(E);
}

void itarget_move_before(LLVMValueRef inst, LLVMValueRef before) {
  unwrap<Instruction>(inst)->moveBefore(unwrap<Instruction>(before));
}

LLVMValueRef itarget_clone_function(LLVMValueRef function, const char *name) {
  ValueToValueMapTy Map;
  Function *F = CloneFunction(unwrap<Function>(function), Map);
  F->setName(name);
  F->setLinkage(GlobalValue::InternalLinkage);
  F->setComdat(nullptr);
  return wrap(F);
}

// Puts the body of `function` in the place of each call of it. Where that can't be, the call stays.
void itarget_inline(LLVMValueRef function) {
  Function *F = unwrap<Function>(function);
  SmallVector<CallBase *, 8> Calls;
  for (User *U : F->users())
    if (auto *CB = dyn_cast<CallBase>(U))
      if (CB->getCalledOperand() == F && CB->getFunctionType() == F->getFunctionType() && CB->getFunction() != F)
        Calls.push_back(CB);
  for (CallBase *CB : Calls) {
    InlineFunctionInfo IFI;
    InlineFunction(*CB, IFI);
  }
}

// A function that a resolver may choose, for the attributes of its parameters.
static Function *chosen(Value *V, unsigned Depth) {
  V = V->stripPointerCasts();
  if (auto *F = dyn_cast<Function>(V))
    return F;
  auto *U = dyn_cast<User>(V);
  if (!U || Depth == 0 || !(isa<PHINode>(U) || isa<SelectInst>(U)))
    return nullptr;
  for (Value *Op : U->operands())
    if (Function *F = chosen(Op, Depth - 1))
      return F;
  return nullptr;
}

// In the place of each function that the dynamic linker chooses by a resolver (`ifunc`, `target_clones`): one that asks the resolver when it
// is called first, and goes on where that says.
void itarget_lower_ifuncs(LLVMModuleRef module) {
  Module *M = unwrap(module);
  SmallVector<GlobalIFunc *, 4> All;
  for (GlobalIFunc &G : M->ifuncs())
    All.push_back(&G);
  for (GlobalIFunc *G : All) {
    auto *Ty = cast<FunctionType>(G->getValueType());
    auto *Resolver = dyn_cast<Function>(G->getResolver()->stripPointerCasts());
    if (!Resolver || Resolver->isDeclaration() || Resolver->arg_size() != 0)
      continue;
    LLVMContext &C = M->getContext();
    auto *Ptr = PointerType::getUnqual(C);
    Function *F = Function::Create(Ty, G->getLinkage(), "", M);
    F->setVisibility(G->getVisibility());
    for (BasicBlock &BB : *Resolver)
      if (auto *R = dyn_cast<ReturnInst>(BB.getTerminator()))
        if (Function *One = R->getReturnValue() ? chosen(R->getReturnValue(), 8) : nullptr)
          if (One->getFunctionType() == Ty) {
            AttributeList A = One->getAttributes();
            F->setCallingConv(One->getCallingConv());
            for (unsigned I = 0; I < Ty->getNumParams(); ++I)
              F->addParamAttrs(I, AttrBuilder(C, A.getParamAttrs(I)));
            F->addRetAttrs(AttrBuilder(C, A.getRetAttrs()));
          }
    auto *Slot = new GlobalVariable(*M, Ptr, false, GlobalValue::InternalLinkage, ConstantPointerNull::get(Ptr),
                                    "itarget.chosen." + G->getName());
    auto *Entry = BasicBlock::Create(C, "", F), *Ask = BasicBlock::Create(C, "", F), *Go = BasicBlock::Create(C, "", F);
    IRBuilder<> B(Entry);
    Value *Known = B.CreateLoad(Ptr, Slot);
    B.CreateCondBr(B.CreateIsNull(Known), Ask, Go);
    B.SetInsertPoint(Ask);
    CallInst *Asked = B.CreateCall(Resolver->getFunctionType(), Resolver);
    B.CreateStore(Asked, Slot);
    B.CreateBr(Go);
    B.SetInsertPoint(Go);
    PHINode *Callee = B.CreatePHI(Ptr, 2);
    Callee->addIncoming(Known, Entry);
    Callee->addIncoming(Asked, Ask);
    SmallVector<Value *, 8> Args;
    for (Argument &A : F->args())
      Args.push_back(&A);
    CallInst *Call = B.CreateCall(Ty, Callee, Args);
    Call->setCallingConv(F->getCallingConv());
    Call->setAttributes(F->getAttributes().removeFnAttributes(C));
    Call->setTailCallKind(Ty->isVarArg() ? CallInst::TCK_MustTail : CallInst::TCK_Tail);
    if (Ty->getReturnType()->isVoidTy())
      B.CreateRetVoid();
    else
      B.CreateRet(Call);
    G->replaceAllUsesWith(F);
    F->takeName(G);
    G->eraseFromParent();
  }
}

// Replaces every use of `from` that is not the callee operand of a call.
int itarget_replace_address_uses(LLVMValueRef from, LLVMValueRef to) {
  Function *F = unwrap<Function>(from);
  int n = 0;
  F->replaceUsesWithIf(unwrap(to), [&](Use &U) {
    if (auto *CB = dyn_cast<CallBase>(U.getUser()))
      if (CB->isCallee(&U))
        return false;
    if (isa<BlockAddress>(U.getUser()))
      return false;
    ++n;
    return true;
  });
  return n;
}

// In code, the address of a function that nobody need define becomes that of `to` where the function exists. Initialisers keep it.
void itarget_replace_weak_uses(LLVMValueRef from, LLVMValueRef to) {
  Function *F = unwrap<Function>(from);
  Value *Null = ConstantPointerNull::get(PointerType::getUnqual(F->getContext()));
  SmallVector<Use *, 8> Uses;
  for (Use &U : F->uses()) {
    auto *I = dyn_cast<Instruction>(U.getUser());
    auto *CB = dyn_cast<CallBase>(U.getUser());
    if (I && !isa<PHINode>(I) && !(CB && CB->isCallee(&U)))
      Uses.push_back(&U);
  }
  for (Use *U : Uses) {
    IRBuilder<> B(cast<Instruction>(U->getUser()));
    U->set(B.CreateSelect(B.CreateICmpNE(F, Null), unwrap(to), Null));
  }
}

int itarget_has_address_use(LLVMValueRef function) {
  for (const Use &U : unwrap<Function>(function)->uses()) {
    if (auto *CB = dyn_cast<CallBase>(U.getUser()))
      if (CB->isCallee(&U))
        continue;
    return 1;
  }
  return 0;
}

void itarget_delete_body(LLVMValueRef function) { unwrap<Function>(function)->deleteBody(); }

void itarget_keep(LLVMModuleRef module, LLVMValueRef value) {
  appendToUsed(*unwrap(module), {unwrap<GlobalValue>(value)});
}

// 1 when the call passes argument `i` by value in memory.
int itarget_is_byval(LLVMValueRef call, unsigned i) {
  return unwrap<CallBase>(call)->isByValArgument(i);
}

// Gives `function` the parameter and return attributes of the call that will call it.
void itarget_copy_abi_attributes(LLVMValueRef call, LLVMValueRef function) {
  CallBase *CB = unwrap<CallBase>(call);
  Function *F = unwrap<Function>(function);
  AttributeList A = CB->getAttributes();
  static const Attribute::AttrKind Kinds[] = {
      Attribute::ZExt, Attribute::SExt, Attribute::ByVal, Attribute::StructRet,
      Attribute::Alignment, Attribute::InReg};
  for (unsigned i = 0; i < F->arg_size(); ++i)
    for (auto K : Kinds)
      if (A.hasParamAttr(i, K))
        F->addParamAttr(i, A.getParamAttr(i, K));
  for (auto K : {Attribute::ZExt, Attribute::SExt})
    if (A.hasRetAttr(K))
      F->addRetAttr(A.getRetAttr(K));
}

// Gives `to` (a function or a call) the parameter, return and convention attributes of `from` (either too).
void itarget_copy_signature(LLVMValueRef from, LLVMValueRef to) {
  static const Attribute::AttrKind Kinds[] = {
      Attribute::ZExt, Attribute::SExt, Attribute::ByVal, Attribute::StructRet,
      Attribute::Alignment, Attribute::InReg};
  Value *From = unwrap(from), *To = unwrap(to);
  auto *FF = dyn_cast<Function>(From);
  auto *TF = dyn_cast<Function>(To);
  AttributeList A = FF ? FF->getAttributes() : cast<CallBase>(From)->getAttributes();
  CallingConv::ID CC = FF ? FF->getCallingConv() : cast<CallBase>(From)->getCallingConv();
  unsigned N = TF ? TF->arg_size() : cast<CallBase>(To)->arg_size();
  for (unsigned i = 0; i < N; ++i)
    for (auto K : Kinds)
      if (A.hasParamAttr(i, K)) {
        if (TF)
          TF->addParamAttr(i, A.getParamAttr(i, K));
        else
          cast<CallBase>(To)->addParamAttr(i, A.getParamAttr(i, K));
      }
  for (auto K : {Attribute::ZExt, Attribute::SExt})
    if (A.hasRetAttr(K)) {
      if (TF)
        TF->addRetAttr(A.getRetAttr(K));
      else
        cast<CallBase>(To)->addRetAttr(A.getRetAttr(K));
    }
  if (TF)
    TF->setCallingConv(CC);
  else
    cast<CallBase>(To)->setCallingConv(CC);
}

// Type of parameter `i` of a function or call that is passed by value in memory; null if it is not.
LLVMTypeRef itarget_byval_type(LLVMValueRef of, unsigned i) {
  if (auto *F = dyn_cast<Function>(unwrap(of)))
    return i < F->arg_size() ? wrap(F->getParamByValType(i)) : nullptr;
  return wrap(unwrap<CallBase>(of)->getParamByValType(i));
}

// Removes what the optimiser could conclude from the original callee.
void itarget_strip_call_attributes(LLVMValueRef call) {
  CallBase *CB = unwrap<CallBase>(call);
  AttributeList A = CB->getAttributes();
  LLVMContext &C = CB->getContext();
  bool Twice = CB->hasFnAttr(Attribute::ReturnsTwice);
  bool NoRet = CB->doesNotReturn();
  A = A.removeFnAttributes(C);
  for (unsigned i = 0; i < CB->arg_size(); ++i)
    for (auto K : {Attribute::NoCapture, Attribute::ReadOnly, Attribute::ReadNone,
                   Attribute::WriteOnly, Attribute::NoAlias, Attribute::Returned})
      if (A.hasParamAttr(i, K))
        A = A.removeParamAttribute(C, i, K);
  if (A.hasRetAttr(Attribute::NoAlias))
    A = A.removeRetAttribute(C, Attribute::NoAlias);
  CB->setAttributes(A);
  if (Twice)
    CB->addFnAttr(Attribute::ReturnsTwice);
  if (NoRet)
    CB->setDoesNotReturn();
  if (auto *CI = dyn_cast<CallInst>(CB))
    CI->setTailCallKind(CallInst::TCK_None);
  CB->dropUnknownNonDebugMetadata();
  CB->setMetadata(LLVMContext::MD_DIAssignID, nullptr);
}

// A copy in another function keeps neither location nor metadata of its original.
void itarget_detach(LLVMValueRef inst) {
  Instruction *I = unwrap<Instruction>(inst);
  I->dropUnknownNonDebugMetadata();
  I->setMetadata(LLVMContext::MD_DIAssignID, nullptr);
  I->setDebugLoc(DebugLoc());
}

// True for a loop without a call that may write memory: one that may wait for what another thread or a signal's handler writes.
static bool mayWait(const Loop &L) {
  for (BasicBlock *B : L.blocks())
    for (Instruction &I : *B)
      if (isa<CallBase>(I) && !isa<IntrinsicInst>(I) && I.mayWriteToMemory())
        return false;
  return true;
}

// Leaves out loads and stores that find, or leave, what is there already. Those of `values` that are gone become null; no
// instruction is new. Loops that may wait read memory in each round, also where their program is built without optimisation.
void itarget_leave_out(LLVMModuleRef module, LLVMValueRef *values, size_t n) {
  Module &M = *unwrap(module);
  std::vector<WeakVH> Left;
  Left.reserve(n);
  for (size_t i = 0; i < n; ++i)
    Left.emplace_back(unwrap(values[i]));
  FunctionCallee Writes = M.getOrInsertFunction("itarget.writes", Type::getVoidTy(M.getContext()));
  SmallVector<Instruction *, 64> Rounds;
  LoopAnalysisManager LAM;
  FunctionAnalysisManager FAM;
  CGSCCAnalysisManager CGAM;
  ModuleAnalysisManager MAM;
  PassBuilder PB;
  PB.registerModuleAnalyses(MAM);
  PB.registerCGSCCAnalyses(CGAM);
  PB.registerFunctionAnalyses(FAM);
  PB.registerLoopAnalyses(LAM);
  PB.crossRegisterProxies(LAM, FAM, CGAM, MAM);
  FunctionPassManager FPM;
  FPM.addPass(EarlyCSEPass(/*UseMemorySSA=*/true));
  for (Function &F : M) {
    if (F.isDeclaration() || F.hasOptNone())
      continue;
    DominatorTree DT(F);
    LoopInfo LI(DT);
    for (Loop *L : LI.getLoopsInPreorder())
      if (mayWait(*L))
        Rounds.push_back(CallInst::Create(Writes, "", L->getHeader()->getFirstInsertionPt()));
    FPM.run(F, FAM);
    FAM.clear(F, F.getName());
  }
  for (Instruction *I : Rounds)
    I->eraseFromParent();
  cast<Function>(Writes.getCallee())->eraseFromParent();
  for (size_t i = 0; i < n; ++i)
    values[i] = wrap(static_cast<Value *>(Left[i]));
}

void itarget_set_callee(LLVMValueRef call, LLVMTypeRef type, LLVMValueRef callee) {
  unwrap<CallBase>(call)->setCalledFunction(unwrap<FunctionType>(type), unwrap(callee));
}
}
