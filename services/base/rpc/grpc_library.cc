#include "base/rpc/grpc_library.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

namespace yizhan::rpc {

void KeepGrpcThreads() {
  // A server that serves nothing, never stopped and never freed: it holds the threads and costs none.
  static const grpc::Server* const keeper = [] {
    auto* service = new grpc::CallbackGenericService;
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(service);
    return builder.BuildAndStart().release();
  }();
  (void)keeper;
}

}  // namespace yizhan::rpc
