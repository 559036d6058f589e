from tansiq.node.cli import main

main()
