// A directory server for tests that are not in C++: starts it, says in one line of JSON where it is and who is in it,
// and ends it when its standard input is closed. A line "stop" or "start" there does so, with the same ports and data,
// and is answered with "stopped" or "started".
//
//   slapd_fixture [--extra-people N]
//   {"ldap_port":..,"ldaps_port":..,"ca_file":"..","bind_dn":"..","bind_password":"..","base":"..","people_base":"..",
//    "departments_base":"..","people":[{"login":"..","password":".."}]}
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/numbers.h"
#include "ldap/testing/slapd.h"

int main(int argc, char** argv) {
  using yizhan::directory::Slapd;
  Slapd::Options options;
  const bool extra = argc == 3 && std::string(argv[1]) == "--extra-people" &&
                     absl::SimpleAtoi(argv[2], &options.extra_people) && options.extra_people >= 0;
  if (argc != 1 && !extra) {
    std::cerr << "usage: slapd_fixture [--extra-people N]\n";
    return 2;
  }
  auto slapd = Slapd::Start(options);
  if (!slapd.ok()) {
    std::cerr << slapd.status() << "\n";
    return 1;
  }
  const yizhan::directory::LdapConfig config = (*slapd)->Config();
  nlohmann::json info = {{"ldap_port", (*slapd)->ldap_port()},      {"ldaps_port", (*slapd)->ldaps_port()},
                         {"ca_file", (*slapd)->ca_file()},          {"bind_dn", Slapd::bind_dn()},
                         {"bind_password", Slapd::bind_password()}, {"base", Slapd::base()},
                         {"people_base", config.people_base},       {"departments_base", config.departments_base},
                         {"people", nlohmann::json::array()}};
  for (const Slapd::Login& person : Slapd::people()) {
    info["people"].push_back({{"login", person.login}, {"password", person.password}});
  }
  std::cout << info.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "stop") {
      (*slapd)->Stop();
      std::cout << "stopped" << std::endl;
    } else if (line == "start") {
      if (absl::Status started = (*slapd)->Restart(); !started.ok()) {
        std::cerr << started << "\n";
        return 1;
      }
      std::cout << "started" << std::endl;
    } else {
      std::cerr << "slapd_fixture: stop or start, not: " << line << "\n";
      return 2;
    }
  }
  return 0;
}
