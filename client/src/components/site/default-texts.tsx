import Link from "next/link";
import type { ReactElement } from "react";

/** The texts of the pages about the site, until the operator replaces them. */
export const DEFAULT_TEXTS = new Map<string, () => ReactElement>([
  ["about", AboutText],
  ["help", HelpText],
  ["terms", TermsText],
  ["privacy", PrivacyText],
]);

function AboutText() {
  return (
    <>
      <p>
        ticketing is a marketplace for event tickets. People sell tickets that they do not need, and
        others buy them.
      </p>
      <ul>
        <li>Sellers choose the price. Buyers pay the price that the page shows, and no fee.</li>
        <li>While you pay for a ticket, nobody else can buy it.</li>
        <li>You pay by card. Stripe handles the payment, and we never see your card number.</li>
        <li>If we cannot give you the ticket that you paid for, you get the full price back.</li>
      </ul>
      <p>
        <Link href="/help">Help</Link> answers the most frequent questions.
      </p>
    </>
  );
}

function HelpText() {
  return (
    <>
      <h2>How do I buy a ticket?</h2>
      <p>
        Open the ticket and select Buy. It is reserved for you while you pay, and the page shows how
        much time is left. Your tickets are in <Link href="/orders">My orders</Link>, and you get a
        receipt by email.
      </p>
      <h2>What if I do not pay in time?</h2>
      <p>
        The ticket is for sale again, and you are not charged. A payment that comes too late is
        refunded in full.
      </p>
      <h2>My card was declined. Was I charged?</h2>
      <p>No. Try again or use another card while the ticket is reserved for you.</p>
      <h2>Can I cancel an order?</h2>
      <p>Yes, until you have paid: select Cancel order. A ticket that is paid is yours.</p>
      <h2>How do I sell a ticket?</h2>
      <p>
        Select <Link href="/tickets/new">Sell a ticket</Link> and enter a title and a price. You can
        edit or delete the ticket until a buyer reserves it. You get an email when it is sold.
      </p>
      <h2>I cannot sign in</h2>
      <p>
        Choose a new password: <Link href="/forgot-password">Forgot your password?</Link>
      </p>
    </>
  );
}

function TermsText() {
  return (
    <>
      <h2>Who sells</h2>
      <p>
        Each ticket is sold by the member who listed it. We show the tickets, reserve them for
        buyers, and pass payments on to Stripe.
      </p>
      <h2>Sellers</h2>
      <p>
        List only tickets that you own and may sell, and describe them as they are. A ticket that a
        buyer has reserved cannot be changed or deleted.
      </p>
      <h2>Buyers</h2>
      <p>
        You can cancel an order until you have paid for it. When it is paid, the ticket is yours.
      </p>
      <h2>Refunds</h2>
      <p>
        A payment is refunded in full to your card if you do not get the ticket for it: because the
        payment came too late, or twice.
      </p>
      <h2>Accounts</h2>
      <p>Keep your password secret. What happens with your account is done in your name.</p>
    </>
  );
}

function PrivacyText() {
  return (
    <>
      <h2>What we store</h2>
      <ul>
        <li>Your email address, and your password in a form that cannot be read.</li>
        <li>The tickets that you list, which everybody can see, without your email address.</li>
        <li>Your orders, and the state of your payments. Your card number goes to Stripe only.</li>
        <li>The emails that we send you, for 90 days.</li>
      </ul>
      <h2>Who else gets data</h2>
      <p>
        Stripe handles payments, and SendGrid delivers our emails. Both get only what they need for
        that.
      </p>
      <h2>Cookies</h2>
      <p>
        One cookie keeps you signed in. There is no advertising and no tracking. When you pay,
        Stripe sets cookies of its own to detect fraud.
      </p>
      <h2>Messages about your account</h2>
      <p>
        We send emails about your account, your tickets and your orders, and none for advertising.
      </p>
    </>
  );
}
