// The contracts of all services, linked in.
#pragma once

namespace yizhan::edge {

// Methods are found by their descriptors, and a static library's descriptor is only there when somebody names it.
// Cheap; call it before looking one up.
void LinkContracts();

}  // namespace yizhan::edge
