// yizhan: the appliance in one process, and what people do with its data folder.
#include <signal.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "appliance/appliance.h"
#include "audit/archive/machine.h"
#include "base/logging.h"
#include "desk/machine.h"
#include "im/machine.h"
#include "ldap/service/machine.h"
#include "ledger/keyring.h"
#include "ledger/ledger_commands.h"

namespace {

using yizhan::appliance::Appliance;
using yizhan::appliance::RunOptions;

// Exit codes: 0 as asked; 1 it could not be done, and why is on standard error; 2 the command line or the configuration is wrong.
int Fail(const absl::Status& status) {
  std::cerr << "yizhan: " << status.message() << "\n";
  return absl::IsInvalidArgument(status) ? 2 : 1;
}

int Run(RunOptions options) {
  if (auto level = yizhan::log::ParseLevel(options.log_level); level.ok()) {
    yizhan::log::SetLevel(*level);
  } else {
    return Fail(level.status());
  }
  // Signals wait for us from before the first thread.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  umask(0077);

  auto appliance = Appliance::Start(options);
  if (!appliance.ok()) return Fail(appliance.status());
  if (!options.info_file.empty()) {
    // Whole or not at all: others wait for this file.
    const std::string partial = options.info_file + ".partial";
    std::ofstream(partial) << yizhan::appliance::InfoJson(options, (*appliance)->addresses(), (*appliance)->demonstration());
    if (std::rename(partial.c_str(), options.info_file.c_str()) != 0) return Fail(absl::UnavailableError("cannot write " + options.info_file));
  }
  std::cout << yizhan::appliance::InfoText(options, (*appliance)->addresses(), (*appliance)->demonstration()) << std::flush;
  int signal = 0;
  sigwait(&signals, &signal);
  std::cout << "\nStopping…" << std::endl;
  appliance->reset();
  return 0;
}

// Replaying needs what each service makes of its records.
int Ledger(const std::vector<std::string>& arguments) {
  yizhan::audit::AuditMachine audit;
  yizhan::desk::DeskMachine desk;
  yizhan::directory::Machine directory;
  yizhan::im::Machine im;
  yizhan::ledger::StateMachine* const machines[] = {&audit, &desk, &directory, &im, yizhan::ledger::KeyringMachine()};
  return yizhan::ledger::LedgerMain(arguments, machines, std::cout, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Yizhan: messaging, customer service and a provable archive of both, on your own machines."};
  app.require_subcommand(1);
  app.set_version_flag("--version", YIZHAN_VERSION);

  RunOptions options;
  std::string config;
  CLI::App* run = app.add_subcommand("run", "Run the whole appliance in this process, on one data folder.");
  run->add_option("--config", config, "YAML file; flags win over it");
  run->add_option("--data", options.data_dir, "Data folder (data)");
  run->add_option("--info", options.info_file, "Write addresses and accounts to this file as JSON");
  run->add_option("--pages", options.pages_dir, "The built pages");
  run->add_option("--address", options.address, "Address to listen on (127.0.0.1)");
  run->add_option("--port-base", options.port_base, "HTTPS here, XMPP +1 and +2 (TLS), gRPC +3, metrics +4; 0: any free ports (8440)");
  CLI::Option* domain = run->add_option("--domain", options.domain, "XMPP domain and name of the installation (bank.example)");
  run->add_option("--plain-xmpp", options.plain_xmpp_port, "XMPP without TLS on this port, for measuring, on loopback only");
  run->add_option("--bench-people", options.bench_people, "Add people u0… with the password benchpw, for measuring; needs --domain");
  run->add_option("--threads", options.threads, "Threads of the edge (one for each core, at most 8)");
  run->add_option("--log-level", options.log_level, "debug, info, warning, error or off (warning)");
  run->add_flag("!--no-demonstration", options.demonstration, "Do not seed the demonstration bank");

  CLI::App* ledger = app.add_subcommand("ledger", "Look into a data folder that no process uses: dump, verify, replay.");
  ledger->prefix_command();
  ledger->set_help_flag();

  // The file first, so that flags win over it: parse for --config, read it, parse again.
  try {
    app.parse(argc, argv);
    if (!config.empty()) {
      if (absl::Status status = yizhan::appliance::ReadConfig(config, options); !status.ok()) return Fail(status);
      app.clear();
      app.parse(argc, argv);
    }
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  options.domain_given = options.domain_given || domain->count() > 0;
  if (ledger->parsed()) return Ledger(ledger->remaining());
  return Run(std::move(options));
}
