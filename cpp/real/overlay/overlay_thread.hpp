// OverlayThread: a KernelOverlay and the one thread that works on it. The kernel's answers are waited for
// there, and never on the node's thread; what is posted is done in order. While nothing waits it fills the
// pool of namespaces.
//
// An answer goes back by the caller's own means: `work` posts it to the reactor. NOT here: what is to be
// done.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/result.hpp"
#include "real/overlay/kernel_overlay.hpp"

namespace swarm::real {

class OverlayThread {
 public:
  using Work = std::function<void(KernelOverlay&)>;

  // Waits until the overlay is open, or says why it cannot be.
  static Result<std::unique_ptr<OverlayThread>> start(KernelOverlay::Options options);
  // Waits for nothing. `failed` is called on the new thread if the overlay cannot be opened: then nothing
  // that is posted is done.
  using Failed = std::function<void(const Error&)>;
  static std::unique_ptr<OverlayThread> begin(KernelOverlay::Options options, Failed failed);
  OverlayThread(const OverlayThread&) = delete;
  OverlayThread& operator=(const OverlayThread&) = delete;
  ~OverlayThread();  // does what was posted, then takes all of it away

  void post(Work work);  // from any thread

 private:
  OverlayThread(KernelOverlay::Options options, Failed failed);
  void run(KernelOverlay::Options options);
  void open(KernelOverlay::Options options, std::unique_ptr<KernelOverlay>& overlay);
  bool is_idle();
  std::optional<Work> next();  // waits; nothing at the end

  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<Work> posted_;
  std::optional<Result<void>> opened_;
  Failed failed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace swarm::real
