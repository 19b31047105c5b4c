"""The Graph API as far as onboarding and checks need it: tokens, WABAs, numbers, registration, subscriptions."""
