/** Replace prop-types, which @stripe/react-stripe-js imports and React ignores. Saves 0.5 kB. */
const anyValidator: object = new Proxy(() => anyValidator, { get: () => anyValidator });

export default anyValidator;
