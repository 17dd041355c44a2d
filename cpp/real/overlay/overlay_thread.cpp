#include "real/overlay/overlay_thread.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/result.hpp"
#include "real/overlay/kernel_overlay.hpp"

namespace swarm::real {

Result<std::unique_ptr<OverlayThread>> OverlayThread::start(KernelOverlay::Options options) {
  auto thread = begin(std::move(options), {});
  std::unique_lock hold(thread->mutex_);
  thread->news_.wait(hold, [&] { return thread->opened_.has_value(); });
  const Result<void> opened = thread->opened_.value_or(Result<void>());
  hold.unlock();
  if (!opened) return opened.error();
  return thread;
}

std::unique_ptr<OverlayThread> OverlayThread::begin(KernelOverlay::Options options, Failed failed) {
  return std::unique_ptr<OverlayThread>(new OverlayThread(std::move(options), std::move(failed)));
}

OverlayThread::OverlayThread(KernelOverlay::Options options, Failed failed)
    : failed_(std::move(failed)),
      thread_([this, own = std::make_shared<KernelOverlay::Options>(std::move(options))] {
        run(std::move(*own));
      }) {}

OverlayThread::~OverlayThread() {
  {
    const std::lock_guard hold(mutex_);
    stopping_ = true;
  }
  news_.notify_all();
  thread_.join();
}

void OverlayThread::post(Work work) {
  {
    const std::lock_guard hold(mutex_);
    posted_.push_back(std::move(work));
  }
  news_.notify_all();
}

void OverlayThread::run(KernelOverlay::Options options) {
  std::unique_ptr<KernelOverlay> overlay;
  open(std::move(options), overlay);
  if (overlay == nullptr) return;
  overlay->idle();
  while (auto work = next()) {
    (*work)(*overlay);
    if (is_idle()) overlay->idle();
  }
}

void OverlayThread::open(KernelOverlay::Options options, std::unique_ptr<KernelOverlay>& overlay) {
  auto opened = KernelOverlay::open(std::move(options));
  if (opened) overlay = std::move(*opened);
  if (!opened && failed_) failed_(opened.error());
  {
    const std::lock_guard hold(mutex_);
    opened_ = opened ? Result<void>() : Result<void>(opened.error());
  }
  news_.notify_all();
}

bool OverlayThread::is_idle() {
  const std::lock_guard hold(mutex_);
  return posted_.empty();
}

std::optional<OverlayThread::Work> OverlayThread::next() {
  std::unique_lock hold(mutex_);
  news_.wait(hold, [this] { return stopping_ || !posted_.empty(); });
  if (posted_.empty()) return std::nullopt;
  Work work = std::move(posted_.front());
  posted_.pop_front();
  return work;
}

}  // namespace swarm::real
