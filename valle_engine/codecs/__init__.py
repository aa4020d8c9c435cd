"""EnCodec and Vocos: sound to codes and back, whole or in a stream, with the same result."""
