import { serviceClient } from '@yizhan/kit';
import { ConversationService } from '@yizhan/kit/gen/im/v1/conversation_service_pb';
import { MessageService } from '@yizhan/kit/gen/im/v1/message_service_pb';

export const conversations = serviceClient(ConversationService);
export const messages = serviceClient(MessageService);
