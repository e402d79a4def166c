/** What @stripe/react-stripe-js wants of prop-types, which React no longer asks. Half a kilobyte less. */
const anything: object = new Proxy(() => anything, { get: () => anything });

export default anything;
