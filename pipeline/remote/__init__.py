"""Object storage: objects at s3://, gs://, az:// and https:// addresses, and local folders that mirror them."""
