-- Who went, what trials came to and what coupons cost: found without reading what every customer has.

-- When its last cancellation was asked for; why, and what came of each, is in its content.
ALTER TABLE books.subscriptions ADD COLUMN cancelled_at timestamptz;
CREATE INDEX subscriptions_cancelled ON books.subscriptions (cancelled_at, seller_id) WHERE cancelled_at IS NOT NULL;

CREATE INDEX trials_begun ON books.subscription_transitions (at, seller_id) WHERE to_state = 'trialing';

CREATE INDEX discount_lines ON books.invoice_lines (code, seller_id) WHERE kind = 'discount';
