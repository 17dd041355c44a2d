// Lists of types, and what is made from them at compile time: variants, tables, a call for each.
#pragma once

#include <cstddef>
#include <type_traits>

namespace swarm {

template <class... T>
struct TypeList {
  static constexpr std::size_t size = sizeof...(T);

  // To<T...>: TypeList<A, B>::Into<std::variant> is std::variant<A, B>.
  template <template <class...> class To>
  using Into = To<T...>;
  // TypeList<Of<A>, Of<B>>.
  template <template <class> class Of>
  using Each = TypeList<Of<T>...>;

  template <class U>
  static constexpr bool contains = (std::is_same_v<T, U> || ...);

  // Calls visit.template operator()<T>() for each type, in order.
  template <class Visit>
  static constexpr void each(Visit&& visit) {
    (visit.template operator()<T>(), ...);
  }
  // The same until a call returns true. Returns true if one did.
  template <class Visit>
  static constexpr bool any(Visit&& visit) {
    return (visit.template operator()<T>() || ...);
  }
};

namespace detail {
template <class... Lists>
struct Joined;
template <class... T>
struct Joined<TypeList<T...>> {
  using Type = TypeList<T...>;
};
template <class... T, class... U, class... Rest>
struct Joined<TypeList<T...>, TypeList<U...>, Rest...> : Joined<TypeList<T..., U...>, Rest...> {};
template <class List, template <class> class Keep>
struct Filtered;
template <class... T, template <class> class Keep>
struct Filtered<TypeList<T...>, Keep>
    : Joined<TypeList<>, std::conditional_t<Keep<T>::value, TypeList<T>, TypeList<>>...> {};
}  // namespace detail

// The types T of a list for which Keep<T>::value is true.
template <class List, template <class> class Keep>
using Filter = typename detail::Filtered<List, Keep>::Type;

}  // namespace swarm
