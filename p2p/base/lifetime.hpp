// Lifetime: lets answers that come after their asker is gone find out. The last member of a class; what it guards runs
// only while the object lives. One thread: object and answers belong to the same loop.
#pragma once

#include <memory>
#include <utility>

namespace packswarm {

class Lifetime {
  public:
    Lifetime() = default;
    Lifetime(const Lifetime&) = delete;
    Lifetime& operator=(const Lifetime&) = delete;
    ~Lifetime() { end(); }

    void end() { *alive_ = false; }  // earlier than the object, where its destructor still calls others

    // Whether the object is still there, for what cannot be guarded as a whole.
    class View {
      public:
        explicit View(std::shared_ptr<const bool> alive) : alive_(std::move(alive)) {}
        explicit operator bool() const { return *alive_; }

      private:
        std::shared_ptr<const bool> alive_;
    };
    View view() const { return View(alive_); }

    // The same callable, which does nothing once the object is gone. Results are dropped.
    template <class Callable>
    class Guarded {
      public:
        Guarded(View alive, Callable callable) : alive_(std::move(alive)), callable_(std::move(callable)) {}
        template <class... Arguments>
        void operator()(Arguments&&... arguments) const {
            if (alive_) callable_(std::forward<Arguments>(arguments)...);
        }

      private:
        View alive_;
        mutable Callable callable_;  // as a function object that std::function holds
    };
    template <class Callable>
    Guarded<Callable> guard(Callable callable) const {
        return {view(), std::move(callable)};
    }

  private:
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace packswarm
