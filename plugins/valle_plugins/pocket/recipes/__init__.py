"""How pocket's networks beside the language model are made: material, codec, vocoder, recogniser, speaker encoder."""
