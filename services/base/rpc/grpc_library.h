// gRPC's own threads.
#pragma once

namespace yizhan::rpc {

// Keeps gRPC's callback threads until the process ends. Before the first channel or server is made; any number of
// times.
//
// They belong to all channels and servers of the process together, and whoever lets go of the last one waits for them
// to end. Our streams let go of their channel in their last callback, which runs on such a thread: with nobody else
// left it waits for itself, in vain, frees the queue under its own feet, and gRPC 1.51 aborts ("assertion failed: prior
// > 0").
void KeepGrpcThreads();

}  // namespace yizhan::rpc
